"""Erasure of one person's records: archived objects without a lock are written again without them.

Before an object is replaced, a signed record below `erasures/` says which bytes take the place of which, so that a
verification can tell an erasure from an alteration; another one says when it is done (infra/subject/ledger.py). Every
earlier version that holds the person's records goes as well, here and in the replica's region, where no lock holds it.
Whatever stops it, an object is either as it was or whole without the records, and the next run carries on.
"""

import datetime
from collections.abc import Callable, Iterator

from infra.archive.errors import ArchiveError
from infra.archive.objects import Form
from infra.context import Context
from infra.documents.eraser_policy import erasable
from infra.settings import Adopt
from infra.subject.erase_key import Erasing, end, erase_key, remove_copies, remove_earlier, said
from infra.subject.errors import SubjectError
from infra.subject.facts import OBJECT, Fate, Hot
from infra.subject.gather import refused
from infra.subject.hot import hot
from infra.subject.pairs import pairs
from infra.subject.rewrite import stored_sha256
from infra.subject.versions import AtVersion, Stored, stored, versions_of

GONE_AFTER_DAYS = 3
"""CloudWatch Logs typically takes up to 72 hours to remove an expired event (PutRetentionPolicy, API reference)."""


def erase(work: Erasing, tick: Callable[[str], None] = lambda _: None) -> None:
    """Erase what can be erased, or only find it, and write down in the facts what became of each object.

    Raises SubjectError where it cannot be carried out to its end: the facts then say what was done until there.
    """
    for cls in work.sources.context.policy.data_classes.classes:
        try:
            tick(f"{cls}: CloudWatch")
            _hot(work, cls)
            if work.execute and erasable(work.sources.context, cls):
                _finish(work, cls, tick)
            for mine, copy in pairs(_archive(work, cls), _copies(work, cls)):
                tick(f"{cls}: {(mine or copy).where}")  # type: ignore[union-attr]
                erase_key(work, cls, mine, copy)
        except ArchiveError as error:
            refused(error)
            raise SubjectError(f"{error}: the erasure is not complete; run it again once that can be read") from None


def replica_bucket(context: Context, cls: str) -> str:
    """Return the bucket of a class's copies; nothing where the stack has none."""
    settings = context.settings
    if settings.replica is None:
        return ""
    there = settings.aws.model_copy(update={"region": settings.replica.region})
    return Context(settings.model_copy(update={"aws": there, "adopt": Adopt()}), context.policy).archive_bucket(cls)


def _archive(work: Erasing, cls: str) -> Iterator[Stored]:
    context = work.sources.context
    late = datetime.timedelta(hours=context.policy.data_classes.search.late_hours)
    return stored(work.sources.s3, context.archive_bucket(cls), work.sources.window, late=late)


def _copies(work: Erasing, cls: str) -> Iterator[Stored]:
    context = work.sources.context
    late = datetime.timedelta(hours=context.policy.data_classes.search.late_hours)
    if work.replica is None:
        return iter(())
    return stored(work.replica, replica_bucket(context, cls), work.sources.window, late=late)


def _hot(work: Erasing, cls: str) -> None:
    context, count, last = work.sources.context, 0, 0
    for record in hot(work.sources.logs, context.log_group(cls), work.sources.window):
        if work.matcher.why(record):
            count += 1
            last = max(last, record.time_ns)
    if count:
        days = context.policy.data_classes.classes[cls].hot_retention_days.at(context.settings.environment)
        newest = datetime.datetime.fromtimestamp(last / 1e9, datetime.UTC).date()
        work.facts.hot[cls] = Hot(count, newest, newest + datetime.timedelta(days=days + GONE_AFTER_DAYS))


def _finish(work: Erasing, cls: str, tick: Callable[[str], None]) -> None:
    """Carry to its end what an earlier run wrote again and did not finish."""
    context, s3 = work.sources.context, work.sources.s3
    for begun in work.ledger.unfinished(context.archive_bucket(cls)):
        form = Form.EXPORTED if begun.key.startswith("export/") else Form.COLLECTED
        item = versions_of(s3, context.archive_bucket(cls), begun.key, form)
        tick(f"{cls}: {item.where}")
        current = next((version for version in item.versions if version.current), None)
        if current is None or stored_sha256(AtVersion(s3, current.id).client, item.at(current)) != begun.now:
            continue
        versions = {version.id: begun.removed for version in item.versions if version.id == begun.body["was_version"]}
        copies = Stored("", begun.key, form, ())
        if work.replica is not None:
            copies = versions_of(work.replica, replica_bucket(context, cls), begun.key, form)
        copied = {version.id: begun.removed for version in copies.versions if version.id == begun.body["was_version"]}
        entry = {"object": item.where, "records": 0, **said(begun), "finished_for": begun.body["request"]}
        work.facts.add(cls, Fate.ERASED, OBJECT, entry)
        earlier, gone = remove_earlier(work, cls, item, versions), remove_copies(work, cls, copies, copied)
        end(work, begun, current.id, earlier, gone)
