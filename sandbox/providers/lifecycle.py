"""What happens to one resource: check, diff, create, read, update, delete, on plain dicts.

Everything package-independent and free of gRPC, so that a test can call it directly. Property values may be
`Secret` or `UNKNOWN`; table rows and realisers only ever see plain, known values.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from sandbox.providers.cloud import Cloud
from sandbox.providers.constraints import check_values
from sandbox.providers.errors import Problem, ProviderError
from sandbox.providers.inputs import check_inputs
from sandbox.providers.outputs import DEFAULTS, Outputs
from sandbox.providers.table import Package, Row
from sandbox.providers.wire import UNKNOWN, Props, Secret, has_unknown, plain, same


@dataclass(frozen=True)
class Change:
    """What differs, and which of those properties only a new resource can take."""

    changed: tuple[str, ...]
    replaces: tuple[str, ...]
    delete_before_replace: bool


@dataclass(frozen=True)
class ReadBack:
    """A resource as it is now: id, outputs, and the inputs that would produce it."""

    id: str
    state: Props
    inputs: Props


@dataclass(frozen=True)
class Lifecycle:
    """The life of the resources of one package in one cloud."""

    package: Package
    cloud: Cloud

    @property
    def outputs(self) -> Outputs:
        """How outputs are composed here."""
        return Outputs(self.package, self.cloud)

    def check(self, token: str, urn_name: str, olds: Props, news: Props, seed: bytes) -> tuple[Props, list[Problem]]:
        """The inputs with the automatic name filled in, and everything that is wrong with them."""
        row = self.package.row(token)
        inputs = {key: value for key, value in news.items() if key != DEFAULTS}
        named: list[str] = []
        if row.name and self._needs_name(row, row.name, inputs):
            chosen_before = row.name in plain(olds.get(DEFAULTS, []))
            inputs[row.name] = olds[row.name] if chosen_before else _auto_name(row, urn_name, seed)
            named.append(row.name)
        problems = check_inputs(self.package.sdk, token, inputs)
        if not problems:  # a value of the wrong shape has no meaningful bounds
            problems = check_values(row, inputs)
        return {**inputs, DEFAULTS: named}, problems

    def _needs_name(self, row: Row, name: str, inputs: Props) -> bool:
        field = self.package.resource(row.token).inputs.get(name)
        given = inputs.get(name) is not None or inputs.get(f"{name}Prefix") is not None
        return field is not None and not field.required and not given

    def diff(self, token: str, old_inputs: Props, old_state: Props, news: Props) -> Change:
        """What changed between the inputs of the last update and these.

        An input that was left out is compared with the state, as the provider does: after an import most are.
        """
        row = self.package.row(token)
        keys = {key for key in {*old_inputs, *news} if not key.startswith("__")} - row.write_only
        before = {**{key: value for key, value in old_state.items() if key in news}, **old_inputs}
        answered = row.answers(dict(before)) if row.answers else before
        changed = sorted(
            key
            for key in keys
            if not same(before.get(key), news.get(key))
            or (row.answers and key in news and not holds(answered.get(key), news[key]))
        )
        replaces = [key for key in changed if key in row.replace_on]
        if self._moves(old_state, news):
            replaces.append("region")
        # Default tags belong to the provider: a change of theirs reaches resources whose inputs are unchanged.
        settled = "tagsAll" in old_state and "tags" not in changed and not has_unknown(news.get("tags"))
        if settled and not same(old_state["tagsAll"], self.outputs.tags_all(news)):
            changed.append("tagsAll")
        first = row.delete_before_replace or _keeps_given_name(row, old_inputs, news)
        return Change(tuple(sorted({*changed, *replaces})), tuple(replaces), first)

    def _moves(self, old_state: Props, news: Props) -> bool:
        # A region that is spelled out, but is the one it was in, moves nothing (pulumi-aws 7).
        where = plain(news.get("region")) or self.cloud.region
        return "region" in old_state and plain(old_state["region"]) != where

    def create(self, token: str, inputs: Props, *, preview: bool) -> tuple[str, Props]:
        """A new resource: its id and outputs; in a preview what only the cloud can know stays unknown."""
        row, compose = self.package.row(token), self.outputs
        echoed = compose.echo(token, inputs)
        if preview:
            return "", {**compose.unknowns(token, echoed), **echoed, **dict.fromkeys(row.completed, UNKNOWN)}
        _refuse_unknown(token, inputs)
        given = compose.plain_inputs(token, inputs)
        if row.claim:
            self.cloud.organisation.take(row.claim, given)
        if row.moto is None:
            identifier, computed = compose.recorded(token, given)
            return identifier, compose.sealed(token, {**computed, **echoed}, inputs)
        made = row.moto.create(compose.at(given), given)
        computed = compose.computed(token, {**given, **made.outputs}, made.id)
        return made.id, compose.sealed(token, {**computed, **made.outputs, **echoed}, inputs)

    def update(
        self, token: str, identifier: str, old_state: Props, old_inputs: Props, news: Props, *, preview: bool
    ) -> Props:
        """The old outputs with the new inputs merged in, so that what was computed once (an ARN) stays."""
        row, compose = self.package.row(token), self.outputs
        kept = {key: value for key, value in old_state.items() if key not in old_inputs or key in news}
        outputs = {**kept, **compose.echo(token, news)}
        if preview:
            return {**outputs, **dict.fromkeys(row.volatile, UNKNOWN)}
        _refuse_unknown(token, news)
        given = compose.plain_inputs(token, news)
        found: Props = {}
        if row.moto:
            found = row.moto.update(compose.at(given), identifier, plain(old_state), given)
        computed = compose.computed(token, {**plain(kept), **given}, identifier)
        return compose.sealed(token, {**computed, **outputs, **found}, news)

    def read(self, token: str, identifier: str, state: Props, inputs: Props) -> ReadBack | None:
        """The resource as it is in moto; a recorded one is what was recorded; `None` when it is gone."""
        row, compose = self.package.row(token), self.outputs
        if row.moto is None:
            if not state:
                raise ProviderError(f"{token} is only recorded by the sandbox: there is nothing to import")
            return ReadBack(identifier, state, inputs)
        # An import has no state: the provider's default tags are then all that is known not to be the resource's.
        known = plain(state) or {"tagsAll": self.cloud.default_tags}
        found = row.moto.read(compose.at(known), identifier, known)
        if found is None:
            return None
        if inputs:
            found = {key: value for key, value in found.items() if self._reports(token, key, state, inputs)}
        now = self._inputs_now(token, found, state, inputs)
        echoed = compose.echo(token, now)
        computed = compose.computed(token, {**plain(state), **plain(echoed), **found}, identifier)
        # Tags beyond the declared ones may be drift or the provider's defaults: what AWS says is all of them.
        merged = {**computed, **state, **found, **echoed, **{k: found[k] for k in ("tagsAll",) if k in found}}
        gone = {key for key, value in found.items() if value is None}
        kept = {key: value for key, value in merged.items() if key not in gone and key not in row.write_only}
        return ReadBack(identifier, compose.sealed(token, kept, inputs, state), {DEFAULTS: [], **now})

    def _reports(self, token: str, key: str, state: Props, inputs: Props) -> bool:
        # An optional input that the cloud fills in when it is left out (a key's policy) is somebody else's to
        # manage (kms.KeyPolicy), so its value is no drift of this resource.
        resource = self.package.resource(token)
        filled_in = key in resource.inputs and key in resource.outputs and resource.outputs[key].required
        return key in inputs or key == "tagsAll" or not (filled_in and key in state)

    def _inputs_now(self, token: str, found: Props, state: Props, inputs: Props) -> Props:
        row, known = self.package.row(token), self.package.resource(token).inputs
        now = dict(inputs)
        for key in known.keys() & found.keys() - row.write_only:
            value = found[key]
            if value is None:
                now.pop(key, None)
            elif key in inputs:
                if not same(inputs[key], value):
                    now[key] = Secret(value) if isinstance(inputs[key], Secret) else value
            elif value not in ("", [], {}, False, row.defaults.get(key)) and (
                # Not declared: at an import everything is news, at a refresh only what the state did not have.
                not inputs or not same(state.get(key), value)
            ):
                now[key] = value
        return now

    def delete(self, token: str, identifier: str, state: Props) -> None:
        """Remove it; what is already gone is fine."""
        row = self.package.row(token)
        if row.claim:
            self.cloud.organisation.give_back(row.claim, plain(state))
        if row.moto:
            row.moto.delete(self.outputs.at(plain(state)), identifier, plain(state))


def holds(answer: object, given: object) -> bool:
    """Return whether the service's answer says all that was given; inside objects it may say more."""
    if isinstance(answer, Mapping) and isinstance(given, Mapping):
        return all(key in answer and holds(answer[key], value) for key, value in given.items())
    if isinstance(answer, list) and isinstance(given, list):
        return len(answer) == len(given) and all(map(holds, answer, given))
    return same(answer, given)


def _keeps_given_name(row: Row, old_inputs: Props, news: Props) -> bool:
    # Two resources cannot share a name that was chosen by hand, so the old one goes first
    # (pulumi-terraform-bridge, nameRequiresDeleteBeforeReplace).
    if row.name is None or row.name in plain(news.get(DEFAULTS, [])):
        return False
    return news.get(row.name) is not None and same(old_inputs.get(row.name), news[row.name])


def _auto_name(row: Row, urn_name: str, seed: bytes) -> str:
    digits = hashlib.sha256(seed).hexdigest() if seed else secrets.token_hex(4)
    return row.name_form.format(name=urn_name, hex7=digits[:7])


def _refuse_unknown(token: str, inputs: Props) -> None:
    unknown = [key for key, value in inputs.items() if has_unknown(value)]
    if unknown:
        raise ProviderError(f"{token}: the engine asked for an update with unknown inputs: {', '.join(unknown)}")
