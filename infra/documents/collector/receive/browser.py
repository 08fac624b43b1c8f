"""OTLP/HTTP from web pages: what a page says is taken only as far as policy lists it, and never as an order."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from infra.documents.collector.ottl import CLASS, PROBLEM, any_of, attribute, cache, group, text
from infra.documents.collector.receive.door import Door
from infra.documents.collector.receive.otlp import server_tls
from infra.policy.browsers import Browsers
from infra.settings_receivers import Browser, Tls

DOOR = "tinybeans.door"
"""Attribute that says that a record came from a page."""
REMOVED = "tinybeans.browser.removed"
"""Attribute that counts what a record held beyond policy's list."""
SESSION = "session_id"
SCOPE_NAME = "^[A-Za-z0-9@/._-]{1,80}$"
OBJECT, AS_TEXT = r"^\s*\{", "text: {"
"""How a text begins that a service would have meant as an object, and how a page's begins instead."""
_SERVICE = 'resource.attributes["service.name"]'


def door(base: Mapping[str, Any], settings: Browser, admitted: Browsers, tls: Tls | None) -> Door:
    """Return the way in of web pages."""
    http = {
        "endpoint": settings.endpoint,
        "max_request_body_size": settings.body_bytes,
        **base,
        "cors": {"allowed_origins": list(settings.origins), "allowed_headers": list(settings.headers), **base["cors"]},
        **({"tls": server_tls(tls)} if tls else {}),
    }
    groups = [
        group("log", list(_record(settings, admitted))),
        group("resource", list(_resource(settings, admitted))),
        group(
            "scope",
            [
                "keep_keys(scope.attributes, [])",
                f'set(scope.name, "") where not IsMatch(scope.name, {text(SCOPE_NAME)})',
                f'set(scope.version, "") where not IsMatch(scope.version, {text(SCOPE_NAME)})',
            ],
        ),
    ]
    return Door(
        "logs/browser",
        {"otlp/browser": {"protocols": {"http": http}}},
        {"transform/browser": {"error_mode": "silent", "log_statements": groups}},
    )


def _record(settings: Browser, admitted: Browsers) -> Iterator[str]:
    yield from _body()
    yield f"set({attribute(SESSION)}, {attribute('session.id')}) where {attribute(SESSION)} == nil"
    yield f'delete_key(log.attributes, "session.id") where {attribute(SESSION)} != nil'
    yield "flatten(log.attributes)"
    yield f"set({cache('all')}, Len(log.attributes))"
    yield f"keep_matching_keys(log.attributes, {text(_only([*admitted.attributes, SESSION]))})"
    removed = f"{cache('all')} - Len(log.attributes)"
    yield f"set({attribute(REMOVED)}, {removed}) where {removed} > 0"
    yield f'set({attribute(PROBLEM)}, "service_name") where {_other_service(settings)}'
    yield f"set({attribute(CLASS)}, {text(admitted.belong_to)})"
    yield f'set({attribute(DOOR)}, "browser")'


def _body() -> Iterator[str]:
    """Yield statements that leave text, which is not taken apart as a service's line of JSON would be."""
    fields = cache("fields")
    yield f"set({fields}, log.body) where IsMap(log.body)"
    yield f'merge_maps(log.attributes, {fields}, "insert") where {fields} != nil'
    yield f'set(log.body, "") where {fields} != nil'
    yield f'set(log.body, String({fields}["message"])) where {fields}["message"] != nil'
    yield 'delete_key(log.attributes, "message")'
    yield 'set(log.body, Decode(log.body, "utf-8")) where log.body != nil and not IsString(log.body)'
    yield "set(log.body, String(log.body)) where log.body != nil and not IsString(log.body)"
    yield f"replace_pattern(log.body, {text(OBJECT)}, {text(AS_TEXT)})"


def _resource(settings: Browser, admitted: Browsers) -> Iterator[str]:
    yield "flatten(resource.attributes)"
    yield f"keep_matching_keys(resource.attributes, {text(_only(admitted.resource_attributes))})"
    yield f"set({_SERVICE}, {text(settings.services[0])}) where {_other_service(settings)}"


def _other_service(settings: Browser) -> str:
    known = text(f"^(?:{any_of(settings.services)})$")
    return f"not IsString({_SERVICE}) or not IsMatch({_SERVICE}, {known})"


def _only(names: Iterable[str]) -> str:
    """Return a pattern of exactly these names, and of the items of lists under them."""
    return rf"^(?:{any_of(names)})(?:\.[0-9]+)?$"
