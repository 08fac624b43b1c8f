"""A client of the Fluent Forward protocol, as FireLens' Fluent Bit is one, with just enough MessagePack."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


def packed(value: Any) -> bytes:
    """Return `value` as MessagePack. Text longer than 2^32 bytes and integers beyond 64 bits are not understood."""
    match value:
        case None:
            return b"\xc0"
        case bool():
            return b"\xc3" if value else b"\xc2"
        case int():
            return struct.pack(">Bq", 0xD3, value) if value < 0 else struct.pack(">BQ", 0xCF, value)
        case float():
            return struct.pack(">Bd", 0xCB, value)
        case str():
            raw = value.encode("utf-8", "surrogateescape")
            return (bytes([0xA0 | len(raw)]) if len(raw) < 32 else struct.pack(">BI", 0xDB, len(raw))) + raw
        case bytes():
            return struct.pack(">BI", 0xC6, len(value)) + value
        case dict():
            pairs = b"".join(packed(key) + packed(item) for key, item in value.items())
            return struct.pack(">BI", 0xDF, len(value)) + pairs
        case list() | tuple():
            head = bytes([0x90 | len(value)]) if len(value) < 16 else struct.pack(">BI", 0xDD, len(value))
            return head + b"".join(packed(item) for item in value)
        case _:
            raise TypeError(type(value).__name__)


class Client:
    """One connection to a collector."""

    def __init__(self, address: str) -> None:
        host, _, port = address.rpartition(":")
        self.socket = socket.create_connection((host, int(port)), timeout=15)

    def send(self, records: list[tuple[int, dict[str, Any]]], *, chunk: str = "", tag: str = "web-firelens-7") -> None:
        """Send (seconds, record) in forward mode; with a `chunk` an acknowledgement is asked for."""
        options = [{"chunk": chunk}] if chunk else []
        self.socket.sendall(packed([tag, [list(item) for item in records], *options]))

    def acknowledged(self) -> str:
        """Return the chunk that is acknowledged next; "" when the collector closes the connection instead."""
        try:
            answer = self.socket.recv(1000)
        except ConnectionResetError:
            return ""
        if not answer:
            return ""
        assert answer.startswith(b"\x81\xa3ack"), answer
        body = answer[5:]
        return body[1 if body[0] >= 0xA0 and body[0] < 0xC0 else 2 :].decode()


@contextmanager
def client(address: str) -> Iterator[Client]:
    """Connect, and disconnect at the end."""
    found = Client(address)
    try:
        yield found
    finally:
        found.socket.close()
