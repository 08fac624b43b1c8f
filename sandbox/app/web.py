"""The few things that every JSON view needs."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from typing import Any

from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_http_methods

View = Callable[..., HttpResponse]


def reply(status: int = 200, /, **body: object) -> JsonResponse:
    """Answer with a JSON object."""
    return JsonResponse(body, status=status)


def body_of(request: HttpRequest, *required: str) -> dict[str, Any]:
    """Return the request's JSON object; Django answers 400 if it is none or lacks a required field."""
    try:
        body = json.loads(request.body)
    except ValueError as error:
        raise BadRequest("the body is not JSON") from error
    if not isinstance(body, dict):
        raise BadRequest("the body is not a JSON object")
    missing = [name for name in required if name not in body]
    if missing:
        raise BadRequest(f"the body lacks {', '.join(missing)}")
    return body


def endpoint(method: str, *, signed_in: bool = True) -> Callable[[View], View]:
    """Declare a view's method, and whether it is for signed-in members only."""

    def decorate(view: View) -> View:
        @functools.wraps(view)
        def guarded(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
            if signed_in and not request.user.is_authenticated:
                return reply(401, error="authentication_required")
            return view(request, *args, **kwargs)

        allowed: View = require_http_methods([method])(guarded)
        return allowed

    return decorate


def auth_context_of(request: HttpRequest) -> dict[str, object]:
    """Describe how the caller proved who they are."""
    return {"method": "bearer", "mfa": bool(request.claims.get("mfa"))}
