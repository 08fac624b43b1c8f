"""Fluent Forward as ECS FireLens speaks it, through the real collector."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox.ports import free_ports
from tests.collector_process import executable
from tests.collector_run import Arrived
from tests.doors import (
    PRINTED_AT,
    at_least,
    by_attribute,
    by_body,
    contract_line,
    differences,
    narrow,
    running,
    stack,
    until,
    until_refused,
)
from tests.fluent import Client, client, packed

pytestmark = pytest.mark.collector

TASK = "8f03e41243824aea923aca126495f665"
CONTAINER = "0a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8f9"
FIRELENS: dict[str, Any] = {
    "source": "stdout",
    "container_name": "/ecs-web-7-app-d8e0c5a1b2",
    "container_id": CONTAINER,
    "ecs_cluster": "prod",
    "ecs_task_arn": f"arn:aws:ecs:us-east-1:123456789012:task/prod/{TASK}",
    "ecs_task_definition": "web:7",
}
SECONDS = int(PRINTED_AT.timestamp())


def printed(log: Any, **more: Any) -> tuple[int, dict[str, Any]]:
    """Return what FireLens sends for one line that a container printed."""
    return SECONDS, {**FIRELENS, "log": log, **more}


def address() -> str:
    return f"127.0.0.1:{free_ports(1)[0]}"


@pytest.fixture(scope="module")
def arrived(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Arrived]]:
    """Yield what arrived of everything that the tests below ask about."""
    executable()
    at = address()
    taken_apart = {**contract_line(), "request_id": "taken-apart"}
    sent = [
        printed(json.dumps(contract_line())),
        (SECONDS, {**FIRELENS, **taken_apart}),
        printed("plain text of a container"),
        printed('{"message": "cut off'),
        printed(json.dumps({"message": "impossible", "timestamp": "2026-13-45T99:00:00Z"})),
        printed("caf\udce9 without UTF-8"),
        printed("long " + "y" * 1_000_000),
        (2**62, {"log": "from a far future"}),
        (-1, {"log": "from before the epoch"}),
        (SECONDS, {"log": {"message": "a map for a line", "level": "ERROR"}}),
        (SECONDS, {"log": 17, "note": "a number for a line"}),
        (SECONDS, {"note": "no line at all"}),
    ]
    with running(stack({"fluent": {"endpoint": at}}), tmp_path_factory.mktemp("fluent")) as run:
        with client(at) as connection:
            connection.send(sent, chunk="everything")
            assert connection.acknowledged() == "everything"
        until(run, at_least(len(sent)))
        assert len(run.cloudwatch.arrived) == len(sent)
        yield run.cloudwatch.arrived


def test_a_line_of_json_becomes_what_the_contract_says(arrived: list[Arrived]) -> None:
    assert differences(by_attribute(arrived, "request_id", contract_line()["request_id"])) == []


def test_a_line_that_fluent_bit_took_apart_becomes_the_same(arrived: list[Arrived]) -> None:
    line = by_attribute(arrived, "request_id", "taken-apart")
    assert [wrong for wrong in differences(line) if "request_id" not in wrong] == []


@pytest.mark.parametrize("start", ["plain text of a container", "photo stored"])
def test_where_a_container_ran_is_said_as_the_semantic_conventions_do(arrived: list[Arrived], start: str) -> None:
    lines = [item.record for item in arrived if item.record.body == start]
    assert lines
    for record in lines:
        assert record.resource["container.name"] == FIRELENS["container_name"]
        assert record.resource["aws.ecs.task.id"] == TASK
        assert record.resource["aws.ecs.task.family"] == "web"
        assert record.resource["aws.ecs.task.revision"] == "7"
        assert record.resource["aws.ecs.cluster.arn"].endswith(":cluster/prod")
        assert record.resource["aws.ecs.task.arn"] == FIRELENS["ecs_task_arn"]
        assert record.resource["container.id"] == CONTAINER
        assert record.attributes["log.iostream"] == "stdout"
        assert not set(FIRELENS) & set(record.attributes)


def test_text_has_the_time_at_which_it_was_printed(arrived: list[Arrived]) -> None:
    assert by_body(arrived, "plain text of a container").record.time_unix_nano == SECONDS * 10**9


@pytest.mark.parametrize(
    ("start", "problem"),
    [('{"message": "cut off', "json"), ("impossible", "timestamp"), ("long y", "truncated"), ("caf", "utf8")],
)
def test_what_could_not_be_read_arrives_and_says_so(arrived: list[Arrived], start: str, problem: str) -> None:
    item = by_body(arrived, start)
    assert (item.stream, item.record.attributes["tinybeans.problem"]) == ("collector", problem)


def test_a_record_without_text_arrives(arrived: list[Arrived]) -> None:
    assert by_body(arrived, "a map for a line").record.severity_text == "ERROR"
    assert by_attribute(arrived, "note", "a number for a line").record.body == "17"
    assert by_attribute(arrived, "note", "no line at all").record.body in ("", None)


@pytest.mark.parametrize("start", ["from a far future", "from before the epoch"])
def test_a_time_that_cannot_be_is_no_reason_to_lose_a_record(arrived: list[Arrived], start: str) -> None:
    assert by_body(arrived, start).stream == "collector"


def chunks(first: int, count: int) -> list[tuple[int, dict[str, Any]]]:
    return [printed(f"n{number}") for number in range(first, first + count)]


def test_a_chunk_is_acknowledged_only_after_every_queue_took_it(tmp_path: Path) -> None:
    """What is acknowledged arrives although the collector is killed at once, and what is refused is not acknowledged."""
    at = address()
    with running(stack({"fluent": {"endpoint": at}}), tmp_path, narrow) as run:
        run.cloudwatch.stop()
        taken: list[str] = []
        for number in range(400):
            with client(at) as connection:
                connection.send(chunks(number * 20, 20), chunk=f"c{number}")
                if not (chunk := connection.acknowledged()):
                    break
                taken.append(chunk)
        else:
            pytest.fail("nothing was ever refused")
        assert taken == [f"c{number}" for number in range(len(taken))]
        assert len(taken) > 1
        run.collector.process.kill()
        run.collector.process.wait()
        run.cloudwatch.start()
        expected = {f"n{number}" for number in range(len(taken) * 20)}
        with run.again():
            until(run, lambda found: expected <= {str(item.record.body) for item in found}, seconds=40)


def test_without_a_chunk_a_refusal_is_only_counted(tmp_path: Path) -> None:
    """Why clients have to set Require_ack_response."""
    at = address()
    with running(stack({"fluent": {"endpoint": at}}), tmp_path, narrow) as run, client(at) as connection:
        run.cloudwatch.stop()
        for number in range(100):
            connection.send(chunks(number * 20, 20))
            if run.collector.metric("otelcol_receiver_refused_log_records", receiver="fluent_forward"):
                return
        until_refused(run)
        assert run.collector.metric("otelcol_receiver_refused_log_records", receiver="fluent_forward") > 0


def test_what_is_no_message_closes_the_connection_is_counted_and_leaves_others_alone(tmp_path: Path) -> None:
    at = address()
    with running(stack({"fluent": {"endpoint": at}}), tmp_path) as run:
        with client(at) as broken:
            broken.socket.sendall(packed(["tag", [[SECONDS, 5]], {"chunk": "x"}]))
            assert broken.acknowledged() == ""
        with client(at) as connection:
            connection.send([printed("still here")], chunk="y")
            assert connection.acknowledged() == "y"
        until(run, at_least(1))
        assert run.collector.metric("otelcol_fluent_parse_failures") == 1


def test_many_connections_are_served_at_once(tmp_path: Path) -> None:
    at = address()
    with running(stack({"fluent": {"endpoint": at}}), tmp_path) as run:

        def one(number: int) -> None:
            connection = Client(at)
            connection.send([printed(f"from {number}")], chunk=f"k{number}")
            assert connection.acknowledged() == f"k{number}"
            connection.socket.shutdown(socket.SHUT_RDWR)

        threads = [threading.Thread(target=one, args=(number,)) for number in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
        until(run, at_least(20))
