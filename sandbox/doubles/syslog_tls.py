"""A double of Loggly's syslog endpoint: TLS, RFC 5424, a message a line, and the customer token in structured data.

What it does is documented by Loggly ("Sending Syslog Endpoints to Loggly"): TLS on a port of its own, headers as in
RFC 5424, and a structured data element `<token>@41058`; messages without the right one are not kept.
"""

from __future__ import annotations

import contextlib
import datetime
import ipaddress
import re
import socket
import ssl
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

ENTERPRISE = "41058"
_MESSAGE = re.compile(
    r"<(?P<priority>[0-9]{1,3})>(?P<version>[0-9]+) (?P<timestamp>\S+) (?P<hostname>[!-~]{1,255}) "
    r"(?P<appname>[!-~]{1,48}) (?P<proc_id>[!-~]{1,128}) (?P<msg_id>[!-~]{1,32}) "
    r"\[(?P<id>[^\s\]]+)(?P<pairs>(?: [!-~]+=\"(?:[^\"\\\]]|\\.)*\")*)\](?: (?P<message>.*))?",
    re.DOTALL,
)
_PAIR = re.compile(r"([!-~]+)=\"((?:[^\"\\\]]|\\.)*)\"")


@dataclass(frozen=True, slots=True)
class SyslogMessage:
    """One message that was kept. `tags` are the pairs of the structured data element, the token left out."""

    priority: int
    timestamp: str
    hostname: str
    appname: str
    proc_id: str
    msg_id: str
    tags: dict[str, str]
    message: str


def certificate(directory: Path) -> Path:
    """Write a self-signed certificate for 127.0.0.1 with its key into `directory` and return its path.

    The file serves as server.pem and as the authority that a client trusts (SSL_CERT_FILE).
    """
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=2))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = directory / "server.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return path


class SyslogTls:
    """The running double. What it could not read, or had another token, is in `refused`, without its content."""

    def __init__(self, token: str, pem: Path) -> None:
        self._token, self._pem = token, pem
        self._socket: socket.socket | None = None
        self._port = 0
        self._arrived = threading.Condition()
        self._messages: list[SyslogMessage] = []
        self.refused: list[str] = []

    @property
    def address(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self._port}"

    @property
    def messages(self) -> tuple[SyslogMessage, ...]:
        """Every message kept so far, in order of arrival. It survives stop() and start()."""
        with self._arrived:
            return tuple(self._messages)

    def wait_for(self, count: int, seconds: float) -> tuple[SyslogMessage, ...]:
        """Return the messages once there are `count`. TimeoutError, saying how many there were, after `seconds`."""
        deadline = time.monotonic() + seconds
        with self._arrived:
            while len(self._messages) < count:
                if not self._arrived.wait(max(0.0, deadline - time.monotonic())):
                    raise TimeoutError(
                        f"syslog has {len(self._messages)} of {count} messages after {seconds:g} s; refused: {self.refused}"
                    )
            return tuple(self._messages)

    def start(self) -> None:
        """Listen on a free port of 127.0.0.1; after a stop(), on the same one again."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(self._pem)
        listening = socket.create_server(("127.0.0.1", self._port))
        self._port = int(listening.getsockname()[1])
        self._socket = listening
        threading.Thread(target=self._serve, args=(listening, context), daemon=True).start()

    def stop(self) -> None:
        """Close the port. A connection that is open is read to its end."""
        if self._socket is not None:
            # A close alone leaves the accepting thread, and so the port, waiting.
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)
            self._socket.close()
            self._socket = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _serve(self, listening: socket.socket, context: ssl.SSLContext) -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            threading.Thread(target=self._read, args=(connection, context), daemon=True).start()

    def _read(self, plain: socket.socket, context: ssl.SSLContext) -> None:
        try:
            with context.wrap_socket(plain, server_side=True) as connection, connection.makefile("rb") as lines:
                for line in lines:
                    if line.endswith(b"\n"):  # else the client left in the middle of a message
                        self._take(line.decode().removesuffix("\n"))
                    else:
                        self.refused.append("cut short")
        except (OSError, UnicodeDecodeError) as error:
            self.refused.append(type(error).__name__)

    def _take(self, line: str) -> None:
        found = _MESSAGE.fullmatch(line)
        if found is None or found["version"] != "1":
            self.refused.append("not RFC 5424")
            return
        if found["id"] != f"{self._token}@{ENTERPRISE}":
            self.refused.append("another token")
            return
        with self._arrived:
            self._messages.append(
                SyslogMessage(
                    int(found["priority"]),
                    found["timestamp"],
                    found["hostname"],
                    found["appname"],
                    found["proc_id"],
                    found["msg_id"],
                    dict(_PAIR.findall(found["pairs"])),
                    found["message"] or "",
                )
            )
            self._arrived.notify_all()
