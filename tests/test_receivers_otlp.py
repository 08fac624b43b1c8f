"""OTLP by gRPC and HTTP: what is too large, broken or without TLS, at the real collector."""

from __future__ import annotations

import contextlib
import datetime
import gzip
import http.client
import ipaddress
import json
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from tests.collector_process import executable
from tests.collector_run import Run, batch, record
from tests.doors import at_least, by_attribute, by_body, contract_line, differences, running, stack, until

pytestmark = pytest.mark.collector

EXPORT = "/opentelemetry.proto.collector.logs.v1.LogsService/Export"
MIB = 1024**2


def posted(
    address: str,
    body: bytes,
    kind: str = "application/json",
    *,
    tls: ssl.SSLContext | None = None,
    encoding: str = "",
) -> tuple[int, str]:
    """Return status and text of the answer to `body`."""
    connection = (
        http.client.HTTPSConnection(address, timeout=20, context=tls)
        if tls
        else http.client.HTTPConnection(address, timeout=20)
    )
    try:
        connection.request(
            "POST", "/v1/logs", body, {"Content-Type": kind} | ({"Content-Encoding": encoding} if encoding else {})
        )
        answer = connection.getresponse()
        return answer.status, answer.read().decode(errors="replace")
    finally:
        connection.close()


def lines(*records: dict[str, Any]) -> bytes:
    return json.dumps({"resourceLogs": [batch(list(records))]}).encode()


def message(text: str, note: str = "n") -> bytes:
    """Return a request with one record; XX stands for two bytes that are no UTF-8."""
    request = ExportLogsServiceRequest()
    found = request.resource_logs.add().scope_logs.add().log_records.add(severity_number=17)
    found.body.string_value = text
    found.attributes.add(key="note").value.string_value = note
    return bytes(request.SerializeToString()).replace(b"XX", b"\xe9\xff")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    executable()
    with running(stack({}), tmp_path_factory.mktemp("otlp")) as found:
        yield found


def test_a_line_by_http_becomes_what_the_contract_says(run: Run) -> None:
    assert posted(run.collector.http, lines(record(json.dumps(contract_line()), severity=0)))[0] == 200
    arrived = until(run, lambda found: any(item.record.body == "photo stored" for item in found))
    assert differences(by_attribute(arrived, "request_id", contract_line()["request_id"])) == []


@pytest.mark.parametrize("kind", ["application/json", "application/x-protobuf"])
def test_bytes_that_are_no_utf8_cost_neither_the_record_nor_its_neighbours(run: Run, kind: str) -> None:
    name = kind.rsplit("-", 1)[-1].rsplit("/", 1)[-1]
    if kind == "application/json":
        body = lines(record(f"{name} XX body"), record(f"{name} neighbour")).replace(b"XX", b"\xe9\xff")
    else:
        body = message(f"{name} XX body") + message(f"{name} neighbour")
    assert posted(run.collector.http, body, kind)[0] == 200
    wanted = {f"{name} \ufffd\ufffd body", f"{name} neighbour"}
    arrived = until(run, lambda found: wanted <= {str(item.record.body) for item in found})
    assert by_body(arrived, f"{name} \ufffd").record.attributes["tinybeans.problem"] == "utf8"
    assert "tinybeans.problem" not in by_body(arrived, f"{name} neighbour").record.attributes


def test_bytes_that_are_no_utf8_are_replaced_in_attributes_too(run: Run) -> None:
    assert posted(run.collector.http, message("in an attribute", "caf\u00e9 XX"), "application/x-protobuf")[0] == 200
    arrived = until(run, lambda found: any(item.record.body == "in an attribute" for item in found))
    assert by_body(arrived, "in an attribute").record.attributes["note"] == "caf\u00e9 \ufffd\ufffd"


def test_the_replacement_character_itself_is_no_problem(run: Run) -> None:
    assert posted(run.collector.http, lines(record("shown as \ufffd before")))[0] == 200
    arrived = until(run, lambda found: any("shown as" in str(item.record.body) for item in found))
    assert "tinybeans.problem" not in by_body(arrived, "shown as").record.attributes


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("JSON that is none", b'{"resourceLogs": ['),
        ("a time that is no number", lines(record("b", timeUnixNano="99999999999999999999999"))),
        ("nothing of OTLP", b"hello"),
    ],
)
def test_what_is_no_request_is_refused_for_good_so_that_the_client_knows(run: Run, name: str, body: bytes) -> None:
    assert posted(run.collector.http, body)[0] == 400, name


@pytest.mark.parametrize("compressed", [False, True])
def test_a_request_above_the_limit_is_refused_however_small_it_travels(run: Run, compressed: bool) -> None:
    body = b" " * (16 * MIB + 1)
    encoding = "gzip" if compressed else ""
    status, said = posted(run.collector.http, gzip.compress(body) if compressed else body, encoding=encoding)
    assert status == 400
    assert "too large" in said


def test_a_message_by_grpc_above_the_limit_is_refused(run: Run) -> None:
    with grpc.insecure_channel(run.grpc, options=[("grpc.max_send_message_length", -1)]) as channel:
        export = channel.unary_unary(EXPORT)
        assert export(message("by gRPC"), timeout=20) == b"\n\x00"
        with pytest.raises(grpc.RpcError) as refused:
            export(message("x" * (16 * MIB)), timeout=20)
    assert refused.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    until(run, lambda found: any(item.record.body == "by gRPC" for item in found))


@dataclass(frozen=True)
class Certificates:
    """An authority, and what it signed: files for a server and for a client, both for 127.0.0.1."""

    authority: Path
    server: tuple[Path, Path]
    client: tuple[Path, Path]


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    directory = tmp_path_factory.mktemp("certificates")
    root_key = ec.generate_private_key(ec.SECP256R1())
    root = signed("authority", root_key, "authority", root_key, authority=True)

    def kept(name: str) -> tuple[Path, Path]:
        key = ec.generate_private_key(ec.SECP256R1())
        certificate, private = directory / f"{name}.pem", directory / f"{name}.key"
        certificate.write_bytes(signed(name, key, "authority", root_key).public_bytes(serialization.Encoding.PEM))
        private.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return certificate, private

    (directory / "authority.pem").write_bytes(root.public_bytes(serialization.Encoding.PEM))
    return Certificates(directory / "authority.pem", kept("server"), kept("client"))


def signed(
    name: str,
    key: ec.EllipticCurvePrivateKey,
    issuer: str,
    issuer_key: ec.EllipticCurvePrivateKey,
    *,
    authority: bool = False,
) -> x509.Certificate:
    """Return a certificate for an hour."""
    now = datetime.datetime.now(datetime.UTC)

    def named(text: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])

    return (
        x509.CertificateBuilder()
        .subject_name(named(name))
        .issuer_name(named(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=5))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .sign(issuer_key, hashes.SHA256())
    )


@pytest.fixture(scope="module", params=["files", "environment"])
def secured(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, certificates: Certificates
) -> Iterator[Run]:
    """Yield a collector with a certificate, given by files and by variables in turn."""
    executable()
    certificate, key = certificates.server
    if request.param == "files":
        tls, variables = {"certificate": str(certificate), "key": str(key)}, {}
    else:
        tls = {"certificate": "${env:OTLP_CERTIFICATE}", "key": "${env:OTLP_KEY}"}
        variables = {"OTLP_CERTIFICATE": certificate.read_text(), "OTLP_KEY": key.read_text()}
    with running(stack({"tls": tls}), tmp_path_factory.mktemp("secured"), variables=variables) as found:
        yield found


def trusting(certificates: Certificates) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(certificates.authority))


def test_with_a_certificate_both_protocols_speak_tls(secured: Run, certificates: Certificates) -> None:
    assert posted(secured.collector.http, lines(record("by HTTPS")), tls=trusting(certificates))[0] == 200
    credentials = grpc.ssl_channel_credentials(certificates.authority.read_bytes())
    with grpc.secure_channel(secured.grpc, credentials) as channel:
        channel.unary_unary(EXPORT)(message("by gRPC with TLS"), timeout=20)
    arrived = until(secured, at_least(2))
    assert {item.record.body for item in arrived} == {"by HTTPS", "by gRPC with TLS"}


def test_with_a_certificate_nothing_passes_in_plain_text(secured: Run, certificates: Certificates) -> None:
    with contextlib.suppress(ConnectionError):  # the server closes without reading on, which may overtake its answer
        status, _ = posted(secured.collector.http, lines(record("in plain text")))
        assert status == 400
    with grpc.insecure_channel(secured.grpc) as channel, pytest.raises(grpc.RpcError) as refused:
        channel.unary_unary(EXPORT)(message("in plain text"), timeout=5)
    assert refused.value.code() is grpc.StatusCode.UNAVAILABLE
    posted(secured.collector.http, lines(record("sent after it")), tls=trusting(certificates))
    arrived = until(secured, lambda found: any(item.record.body == "sent after it" for item in found))
    assert "in plain text" not in {item.record.body for item in arrived}


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1:DeprecationWarning")
def test_tls_below_1_2_is_refused_by_the_collector(secured: Run, certificates: Certificates) -> None:
    old = trusting(certificates)
    old.set_ciphers("ALL:@SECLEVEL=0")
    old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises(ssl.SSLError) as refused:
        posted(secured.collector.http, lines(record("old")), tls=old)
    assert refused.value.reason == "TLSV1_ALERT_PROTOCOL_VERSION", "said by the other side"


def test_where_clients_need_a_certificate_one_without_is_refused(tmp_path: Path, certificates: Certificates) -> None:
    certificate, key = certificates.server
    tls = {"certificate": str(certificate), "key": str(key), "client_authority": str(certificates.authority)}
    known = trusting(certificates)
    known.load_cert_chain(*certificates.client)
    with running(stack({"tls": tls}), tmp_path) as found:
        assert posted(found.collector.http, lines(record("known")), tls=known)[0] == 200
        with pytest.raises((ssl.SSLError, ConnectionError, http.client.RemoteDisconnected)):
            posted(found.collector.http, lines(record("unknown")), tls=trusting(certificates))
        assert {item.record.body for item in until(found, at_least(1))} == {"known"}
