"""Keeps: upload, list, delete."""

from __future__ import annotations

from typing import Any

import structlog
from django.http import HttpRequest, HttpResponse

from sandbox.app.circles import membership_of
from sandbox.app.events import audit
from sandbox.app.models import Keep
from sandbox.app.web import body_of, endpoint, reply

_log = structlog.get_logger("mysite.keeps.views")
_task_log = structlog.get_logger("mysite.keeps.tasks")

LARGEST_SIDE = 12_000


class UnreadableImageError(Exception):
    """The file is not an image that a thumbnail can be made of."""


@endpoint("POST")
def upload(request: HttpRequest, circle_id: int) -> HttpResponse:
    """Store a photo with its caption and what the camera wrote into it."""
    if membership_of(request, circle_id) is None:
        return reply(403, error="not_a_member")
    body = body_of(request, "id", "file_name")
    if not str(body["file_name"]).lower().endswith((".jpg", ".heic")):
        _log.warning("Upload refused: unsupported file type", event_name="keeps.upload.refused")
        return reply(415, error="unsupported_type")
    keep = Keep.objects.create(
        id=body["id"],
        circle_id=circle_id,
        created_by=request.user,
        file_name=body["file_name"],
        caption=body.get("caption", ""),
        exif=body.get("exif", {}),
    )
    structlog.contextvars.bind_contextvars(keep_id=str(keep.pk))
    _log.info(
        "Keep uploaded",
        event_name="keeps.uploaded",
        file_name=keep.file_name,
        caption=keep.caption,
        child=body.get("child"),
        exif=keep.exif,
    )
    audit("keep.created", actor_id=request.user.pk, target_id=str(keep.pk))
    _locate(keep.exif)
    _make_thumbnail(keep.file_name, keep.exif)
    return reply(201, id=str(keep.pk))


def _locate(exif: dict[str, Any]) -> None:
    if "gps_latitude" in exif:
        place = f"lat={exif['gps_latitude']}, lon={exif['gps_longitude']}"
        _task_log.debug(f"Reverse geocoding {place}", event_name="keeps.geocoding.started")


def _make_thumbnail(file_name: str, exif: dict[str, Any]) -> None:
    try:
        _scale(exif)
    except UnreadableImageError:
        # The keep is stored all the same; the family sees a placeholder until the nightly job tries again.
        _task_log.exception("Thumbnail generation failed", event_name="keeps.thumbnail.failed", file_name=file_name)
    else:
        _task_log.info("Thumbnail generated", event_name="keeps.thumbnail.generated")


def _scale(exif: dict[str, Any]) -> None:
    width, height = exif.get("width", 0), exif.get("height", 0)
    if not 0 < max(width, height) <= LARGEST_SIDE:
        raise UnreadableImageError(f"cannot scale an image of {width} x {height} pixels")


@endpoint("GET")
def timeline(request: HttpRequest, circle_id: int) -> HttpResponse:
    """List a circle's keeps."""
    if membership_of(request, circle_id) is None:
        return reply(403, error="not_a_member")
    ids = [str(key) for key in Keep.objects.filter(circle_id=circle_id).values_list("pk", flat=True)]
    _log.info("Timeline read", event_name="keeps.timeline.read", keeps=len(ids))
    return reply(keeps=ids)


@endpoint("DELETE")
def delete(request: HttpRequest, circle_id: int, keep_id: str) -> HttpResponse:
    """Delete a keep, for whoever uploaded it and the circle's owner."""
    membership = membership_of(request, circle_id)
    if membership is None:
        return reply(403, error="not_a_member")
    structlog.contextvars.bind_contextvars(keep_id=str(keep_id))
    keep = Keep.objects.filter(circle_id=circle_id, pk=keep_id).first()
    if keep is None:
        _log.warning("Keep not found", event_name="keeps.not_found")
        return reply(404, error="not_found")
    if membership.role != "owner" and keep.created_by_id != request.user.pk:
        return reply(403, error="not_yours")
    keep.delete()
    audit("keep.deleted", actor_id=request.user.pk, target_id=str(keep_id))
    return reply()
