"""OTLP from applications, by gRPC and by HTTP."""

from collections.abc import Mapping
from typing import Any

from infra.documents.collector.receive.door import Door
from infra.settings import Listen
from infra.settings_receivers import Tls

TLS_AT_LEAST = "1.2"


def door(base: Mapping[str, Any], listen: Listen, tls: Tls | None) -> Door:
    """Return the applications' own way in; limits of message size are those of `base`."""
    secured = {"tls": server_tls(tls)} if tls else {}
    protocols = {
        name: {"endpoint": endpoint, **base["protocols"][name], **secured}
        for name, endpoint in (("grpc", listen.grpc), ("http", listen.http))
    }
    return Door("logs/accept", {"otlp": {"protocols": protocols}})


def server_tls(tls: Tls) -> dict[str, Any]:
    """Return a server's TLS settings; files are read again each hour, so that a renewed certificate needs no restart."""
    client = {"client_ca_file": tls.client_authority} if tls.client_authority else {}
    given = {"cert": tls.certificate, "key": tls.key}
    parts = {f"{name}_{'file' if place.startswith('/') else 'pem'}": place for name, place in given.items()}
    return {**parts, **client, "min_version": TLS_AT_LEAST, "reload_interval": "1h"}
