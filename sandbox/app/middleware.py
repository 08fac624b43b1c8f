"""What surrounds every request: identifiers for its records, the access log, SQL tracing, authentication."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from typing import Any

import structlog
from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.core.cache import cache
from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django_structlog.middlewares import RequestMiddleware
from ipware import get_client_ip

from sandbox.app.events import security
from sandbox.app.tokens import LIFETIME_SECONDS, InvalidTokenError, hashed, verify
from sandbox.app.tracing import span_for

GetResponse = Callable[[HttpRequest], HttpResponse]

_access_log = structlog.get_logger("mysite.access")
_auth_log = structlog.get_logger("mysite.auth.middleware")


class RequestContextMiddleware(RequestMiddleware):
    """django-structlog's request context under the names that Tinybeans' records use."""

    def prepare(self, request: HttpRequest) -> None:
        """Bind what every record of this request carries."""
        # The library invents a dashed id; Tinybeans' ids are 32 hexadecimal digits.
        request.META.setdefault("HTTP_X_REQUEST_ID", uuid.uuid4().hex)
        super().prepare(request)
        span = span_for(request.headers.get("traceparent"))
        structlog.contextvars.bind_contextvars(
            path=request.path, method=request.method, trace_id=span.trace_id, span_id=span.span_id
        )

    @classmethod
    def bind_ip(cls, request: HttpRequest) -> None:
        """Bind the caller's address as the load balancer forwarded it."""
        address, _ = get_client_ip(request)
        structlog.contextvars.bind_contextvars(remote_ip=address)

    def handle_response(self, request: HttpRequest, response: HttpResponse) -> None:
        """Leave the context on the request for Django's records that come after it is cleared."""
        request.log_context = structlog.contextvars.get_contextvars()
        super().handle_response(request, response)


class AccessLogMiddleware:
    """One `mysite.access` record a request."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer the request, then record what was asked, the answer and how long it took."""
        started = time.perf_counter()
        response = self.get_response(request)
        target = request.get_full_path()
        write = _access_log.error if response.status_code >= 500 else _access_log.info
        write(
            f"{request.method} {target} {response.status_code}",
            event_name="http.request",
            url=target,
            status=response.status_code,
            duration_ms=round((time.perf_counter() - started) * 1000, 2),
            response_bytes=len(response.content),
            user_agent=request.headers.get("User-Agent"),
        )
        return response


class SqlTraceMiddleware:
    """Log the SQL of the paths being watched, as an engineer would switch on while hunting a slow query."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer the request, with statements logged if its path is watched."""
        connection.force_debug_cursor = request.path.startswith(settings.TINYBEANS_SQL_TRACE_PATHS)
        try:
            return self.get_response(request)
        finally:
            connection.force_debug_cursor = False


class BearerAuthMiddleware:
    """Set `request.user` from the Authorization header."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Authenticate, or refuse a token that is not ours; no header means an anonymous visitor."""
        request.user, request.claims = AnonymousUser(), {}
        header = request.headers.get("Authorization", "")
        if header:
            if cache.add(f"seen:{hashed(header)}", True, LIFETIME_SECONDS):
                _auth_log.debug(
                    f"First use of header Authorization: {header}",
                    event_name="auth.token.first_use",
                    headers={"authorization": header},
                )
            try:
                self._authenticate(request, header.removeprefix("Bearer "))
            except InvalidTokenError as error:
                security("auth.token.invalid", "Bearer token refused", reason=str(error))
                return JsonResponse({"error": "invalid_token"}, status=401)
        return self.get_response(request)

    @staticmethod
    def _authenticate(request: Any, token: str) -> None:
        from sandbox.app.models import Member  # models exist only once Django is set up

        claims = verify(token)
        request.user = Member.objects.get(pk=int(claims["sub"]))
        request.claims = claims
        structlog.contextvars.bind_contextvars(user_id=request.user.pk)
