"""The key of the pseudonyms, and the text of records, in what the collector says: to a terminal, in its log, in answers."""

from __future__ import annotations

import copy
import http.client
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.documents.collector import collector_config, dumps, load_fragments
from sandbox.score.cleaning import cut_after_classes
from sandbox.score.collector import PEPPER, ends, scoring_collector
from sandbox.score.otlp import request
from sandbox.score.run import cleaning_collector
from tests.collector_process import environment, executable
from tests.factories import ROOT, STACKS, context, policy

SENTINEL = "pepper-Zx81-that-nobody-may-see-0123456789abcdef"
VARIABLE = "REDACTION_PEPPER"
MAIL = "grandma@example.com"
Config = dict[str, Any]


def whole(stack: str = "sandbox") -> Config:
    return copy.deepcopy(collector_config(context(stack), load_fragments(ROOT / "collector_configs")))


def placed(config: Config) -> Config:
    """Return the processor that holds the pepper."""
    found: list[Config] = [item for item in config["processors"].values() if "hmac_key" in item]
    (only,) = found
    return only


def said(config: Config, directory: Path, *command: str, pepper: str = SENTINEL) -> tuple[int, str]:
    """Return the exit status of an otelcol command on `config`, and all that it printed."""
    file = directory / "config.yaml"
    file.write_text(dumps(config, stack="sandbox"))
    urls = {f"SANDBOX_{name}": "http://127.0.0.1:1" for name in ("CLOUDWATCH_LOGS", "S3", "NEWRELIC", "LOKI")}
    addresses = {f"SANDBOX_{name}": "127.0.0.1:1" for name in ("OTLP_GRPC", "OTLP_HTTP", "HEALTH")}
    variables = {**urls, **addresses, "SANDBOX_METRICS_PORT": "1", "SANDBOX_DATA": str(directory), VARIABLE: pepper}
    answer = subprocess.run(
        [str(executable()), *command, f"--config={file}"],
        env=environment(**variables),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return answer.returncode, answer.stdout + answer.stderr


def shows(printed: str, secret: str) -> bool:
    """Return whether `secret`, or half of it, stands in `printed`; error messages may cut it or change its case."""
    text, half = printed.casefold(), len(secret) // 2
    return secret[:half].casefold() in text or secret[half:].casefold() in text


def first_pipeline(config: Config) -> Config:
    pipelines: dict[str, Config] = config["service"]["pipelines"]
    return next(found for found in pipelines.values() if "otlp" in found["receivers"])


def first_transform(config: Config) -> list[str]:
    found = next(item for name, item in config["processors"].items() if name.startswith("transform/"))
    statements: list[str] = found["log_statements"][0]["statements"]
    return statements


BROKEN: dict[str, Callable[[Config], Any]] = {
    "an unknown hash": lambda config: placed(config).update(hash_function="rot13"),
    "a hash that needs a longer key": lambda config: placed(config).update(hash_function="hmac-sha512"),
    "a list as key": lambda config: placed(config).update(hmac_key=[placed(config)["hmac_key"]]),
    "a mapping as key": lambda config: placed(config).update(hmac_key={"value": placed(config)["hmac_key"]}),
    "a misspelt name": lambda config: placed(config).update(hmac_keyy=placed(config).pop("hmac_key")),
    "a pattern that is none": lambda config: placed(config).update(blocked_values=["("]),
    "a statement that does not end": lambda config: first_transform(config).append("set(log.body"),
    "a function that does not exist": lambda config: first_transform(config).append("nope(log.body)"),
    "a processor that does not exist": lambda config: first_pipeline(config)["processors"].append("transform/nope"),
    "a type that does not exist": lambda config: config["processors"].update({"nope/x": {}}),
    "no receiver": lambda config: first_pipeline(config).update(receivers=[]),
    "words for a number": lambda config: config["processors"]["memory_limiter"].update(limit_mib="many"),
    "a section that does not exist": lambda config: config.update(processorz=config["processors"]),
}
ODD_PEPPERS = {
    "short": "Zx81-short",
    "like a mapping": "{Zx81: that-nobody-may-see-0123456789abcdef}",
    "like a list": "[Zx81, that-nobody-may-see-0123456789abcdef]",
    "a bracket": "[Zx81-that-nobody-may-see-0123456789abcdef",
    "a quote": '"Zx81-that-nobody-may-see-0123456789abcdef',
    "a tag": "!!binary Zx81-that-nobody-may-see-0123456789abcdef",
    "digits": "8181818181818181818181818181818181818181818181",
}


@pytest.mark.parametrize("stack", STACKS)
def test_the_pepper_stands_in_one_place_the_collector_never_prints(stack: str) -> None:
    def places(node: Any, key: str = "") -> Iterator[str]:
        if isinstance(node, dict):
            for name, item in node.items():
                yield from places(item, name)
        elif isinstance(node, list):
            for item in node:
                yield from places(item, key)
        elif VARIABLE in str(node):
            yield key

    assert set(places(whole(stack))) == {"hmac_key"}


@pytest.mark.collector
@pytest.mark.parametrize("way", BROKEN)
def test_a_broken_configuration_is_refused_without_the_pepper(way: str, tmp_path: Path) -> None:
    config = whole()
    BROKEN[way](config)
    status, printed = said(config, tmp_path, "validate")
    assert (status, bool(printed)) == (1, True)
    assert not shows(printed, SENTINEL)


@pytest.mark.collector
@pytest.mark.parametrize("way", ODD_PEPPERS)
def test_an_odd_pepper_is_not_printed(way: str, tmp_path: Path) -> None:
    for command in (("validate",), ("print-config", "--format=json")):
        _, printed = said(whole(), tmp_path, *command, pepper=ODD_PEPPERS[way])
        assert not shows(printed, ODD_PEPPERS[way])
        assert "Zx81" not in printed


def answered(address: str, method: str, path: str, body: bytes, content_type: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection(address, timeout=30)
    try:
        connection.request(method, path, body, {"Content-Type": content_type})
        answer = connection.getresponse()
        return answer.status, answer.read().decode(errors="replace")
    finally:
        connection.close()


PROTOBUF, JSON = "application/x-protobuf", "application/json"
REFUSED: dict[str, tuple[int, tuple[str, str, bytes, str]]] = {
    "no protobuf": (400, ("POST", "/v1/logs", b"\xff" + MAIL.encode(), PROTOBUF)),
    "no JSON": (400, ("POST", "/v1/logs", f'{{"resourceLogs": {MAIL}'.encode(), JSON)),
    "JSON of another shape": (400, ("POST", "/v1/logs", f'{{"resourceLogs": "{MAIL}"}}'.encode(), JSON)),
    "another method": (405, ("PUT", "/v1/logs", b"", JSON)),
    "another type": (415, ("POST", "/v1/logs", MAIL.encode(), "text/plain")),
    "another path": (404, ("POST", "/v1/nope", b"", JSON)),
}


@pytest.mark.collector
def test_no_answer_of_the_collector_tells_the_pepper_or_a_records_text() -> None:
    record = bytes(request({"body": f"mail to {MAIL}", "attributes": {"password": "Zaphod77"}}).SerializeToString())
    texts: dict[str, str] = {}
    with cleaning_collector(context("sandbox"), executable()) as run:
        for name, (status, what) in REFUSED.items():
            found, text = answered(run.address, *what)
            assert found == status, name
            texts[name] = text
        for fault in (400, 413, 429, 500, 503):
            run.delivered.faults.fail_next(fault)
            became = run.carry(record)
            assert became.status >= 400, f"the sink's {fault} was taken for success"
            texts[f"the sink answered {fault}"] = became.answer
        run.delivered.stop()
        became = run.carry(record)
        assert became.status == 503
        texts |= {"the sink is down": became.answer, "the collector's log": run.log.read_text()}
    for name, text in texts.items():
        assert not shows(text, PEPPER), name
        assert "Zaphod77" not in text, name
        # Go's JSON decoder quotes to a client what of its own request it could not read.
        assert MAIL not in text or name in ("no JSON", "JSON of another shape"), name


@pytest.mark.collector
def test_a_request_above_the_limit_is_refused_and_told_nothing(tmp_path: Path) -> None:
    full = whole()
    limit = full["receivers"]["otlp"]["protocols"]["http"]["max_request_body_size"]
    door = {"otlp": {"protocols": {"http": {"endpoint": "${env:SCORE_HTTP}", "max_request_body_size": limit}}}}
    config = cut_after_classes(full, policy().data_classes.classes, door, ends())
    large = bytes(request({"body": f"{MAIL} " * (limit // len(MAIL))}).SerializeToString())
    with scoring_collector(executable(), config, tmp_path) as run:
        status, text = answered(run.address, "POST", "/v1/logs", large, PROTOBUF)
        text += run.log.read_text()
    assert status in (400, 413), "a request of more than the limit was taken"  # v0.158 answers 400
    assert not shows(text, PEPPER)
    assert MAIL not in text
