"""Loggly asks for more than the others: a token in every message, syslog over TLS, and no answer that says it arrived."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.documents.collector import collector_config, load_fragments
from infra.problems import InputError
from sandbox.doubles.syslog_tls import SyslogTls, certificate
from tests.collector_process import Collector
from tests.collector_run import batch, record, with_uid
from tests.destinations import sinks
from tests.destinations.harness import outcome
from tests.factories import ROOT, context, stack_values

FRAGMENTS = load_fragments(ROOT / "collector_configs")


def config(endpoint: str | None = None) -> dict[str, dict[str, object]]:
    endpoints = {"s3": "http://127.0.0.1:1", **({"loggly": endpoint} if endpoint else {})}
    return collector_config(context("sandbox", destinations="loggly", endpoints=endpoints), FRAGMENTS)


def test_records_go_to_loggly_itself_by_tls_without_a_queue_behind_the_queue() -> None:
    syslog = config()["exporters"]["syslog/loggly"]
    assert isinstance(syslog, dict)
    assert (syslog["endpoint"], syslog["port"], syslog["protocol"]) == ("logs-01.loggly.com", 6514, "rfc5424")
    assert syslog["tls"] == {"min_version": "1.2", "max_version": "1.2"}
    assert syslog["sending_queue"] == syslog["retry_on_failure"] == {"enabled": False}


def test_the_token_is_nowhere_but_in_a_header_which_exporters_never_print() -> None:
    found = config()
    holders = [name for section in found.values() for name, item in section.items() if "LOGGLY_TOKEN" in str(item)]
    assert holders == ["otlp_http/loggly"]
    exporter = found["exporters"]["otlp_http/loggly"]
    assert isinstance(exporter, dict)
    assert exporter["headers"] == {"x-loggly-token": "${env:LOGGLY_TOKEN}"}


def test_the_receiver_in_between_is_reached_from_the_task_itself_only() -> None:
    with pytest.raises(InputError, match="loggly"):
        context("dev", destinations="loggly", collector=_listening("0.0.0.0:4320"))


def _listening(address: str) -> dict[str, object]:
    return {**json.loads(stack_values("dev")["collector"]), "listen": {"loggly": address}}


@pytest.mark.parametrize("address", ["logs-01.loggly.com", "https://logs-01.loggly.com:x"])
def test_an_address_without_a_port_is_refused(address: str) -> None:
    with pytest.raises(InputError, match="not host:port"):
        config(address)


@pytest.mark.collector
def test_what_loggly_does_not_take_waits_in_the_queue_until_it_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[SyslogTls] = []

    def remembered(token: str, pem: Path) -> SyslogTls:
        made.append(SyslogTls(token, pem))
        return made[-1]

    monkeypatch.setattr(sinks, "SyslogTls", remembered)

    def send(collector: Collector) -> None:
        made[0].stop()
        for number in range(20):
            collector.send(batch([with_uid(record("b"), f"00000000-0000-7000-8000-{number:012x}")]))
        time.sleep(3)
        assert made[0].messages == ()
        made[0].start()

    run = outcome(["loggly"], {}, tmp_path, send, 20)
    assert len(run.arrived["loggly"]) == 20
    assert sinks.SENTINEL.format("loggly") not in run.said


@pytest.fixture(name="double")
def _double(tmp_path: Path) -> Iterator[SyslogTls]:
    with SyslogTls("token", certificate(tmp_path)) as found:
        yield found


@pytest.mark.parametrize(
    ("line", "refused"),
    [
        ('<131>1 2026-11-26T12:00:00Z h a - m [token@41058 tag="t"] x\n', []),
        ('<131>1 2026-11-26T12:00:00Z h a - m [other@41058 tag="t"] x\n', ["another token"]),
        ("<131>1 2026-11-26T12:00:00Z h a - m - x\n", ["not RFC 5424"]),
        ("<131>Nov 26 12:00:00 h a: x\n", ["not RFC 5424"]),
        ('<131>1 2026-11-26T12:00:00Z h a - m [token@41058 tag="t"] x', ["cut short"]),
    ],
)
def test_the_double_keeps_whole_messages_with_the_right_token_only(
    double: SyslogTls, tmp_path: Path, line: str, refused: list[str]
) -> None:
    trusted = ssl.create_default_context(cafile=tmp_path / "server.pem")
    host, port = double.address.split(":")
    with socket.create_connection((host, int(port))) as plain, trusted.wrap_socket(plain, server_hostname=host) as tls:
        tls.sendall(line.encode())
        with contextlib.suppress(OSError):
            tls.unwrap()
    deadline = time.monotonic() + 5
    while not double.messages and not double.refused and time.monotonic() < deadline:
        time.sleep(0.02)
    assert (len(double.messages), double.refused) == (0 if refused else 1, refused)
