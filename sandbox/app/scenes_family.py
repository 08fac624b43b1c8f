"""Scenes about the family: an invitation, uploads, trouble, and cleaning up."""

from __future__ import annotations

from django.conf import settings

from sandbox.app.people import Household, Person, Photo
from sandbox.app.scenes_accounts import last_link_to, sign_in, sign_up
from sandbox.app.settings import SITE_HOST
from sandbox.app.visitor import Visitor


def invitation(parent: Visitor, guest: Visitor, person: Person, circle: int) -> int:
    """Invite somebody by e-mail, who signs up and accepts, twice by mistake; returns the new member's id."""
    parent.manifest.add("email", person.email)
    parent.post(f"/api/users/circles/{circle}/invitations/", {"email": person.email}, expect=201)
    token = last_link_to(person.email).rsplit("/", 1)[1]
    member = sign_up(guest, person)
    sign_in(guest, person)
    guest.post("/api/users/invitations/accept/", {"token": token})
    guest.post("/api/users/invitations/accept/", {"token": token}, expect=400)
    guest.get(f"/api/users/circles/{circle}/")
    return member


def uploads(parent: Visitor, guest: Visitor, family: Household, circle: int) -> None:
    """Upload photos: one with the child's birthday, one that cannot be scaled, a file that is no photo."""
    birthday, plain, broken, grandparents = family.photos
    born = family.child_born.isoformat()
    _upload(
        parent,
        circle,
        birthday,
        caption=f"{family.child}, born {born}, with cake",
        child={"name": family.child, "date_of_birth": born},
    )
    parent.manifest.add("child_date_of_birth", born)
    _upload(parent, circle, plain, caption="At the lake")
    _upload(parent, circle, broken, caption="Panorama", width=0)
    _upload(guest, circle, grandparents, caption="Sunday walk")
    parent.post(f"/api/circles/{circle}/keeps/", {"id": birthday.keep_id, "file_name": "notes.txt"}, expect=415)
    guest.get(f"/api/circles/{circle}/keeps/")


def _upload(
    visitor: Visitor, circle: int, photo: Photo, *, caption: str, width: int = 4032, child: object = None
) -> None:
    exif = {
        "camera": "Example Cam 7",
        "width": width,
        "height": width * 3 // 4,
        "gps_latitude": photo.latitude,
        "gps_longitude": photo.longitude,
    }
    body: dict[str, object] = {"id": photo.keep_id, "file_name": photo.file_name, "caption": caption, "exif": exif}
    if child is not None:
        body["child"] = child
    visitor.manifest.add("gps", str(photo.latitude), str(photo.longitude))
    visitor.post(f"/api/circles/{circle}/keeps/", body, expect=201)


def browser_trouble(visitor: Visitor, person: Person) -> None:
    """Let the frontend report what went wrong in the browser, and send one report that is refused."""
    common = {"release": "web-2026.11.2", "user_agent": visitor.user_agent}
    reports = (
        {
            "name": "upload.failed",
            "level": "error",
            "message": f"Upload failed for {person.email}",
            "component": "UploadDialog",
            "stack": "TypeError: file is undefined\n    at send (upload.js:41:7)\n    at onDrop (dialog.js:12:3)",
            "url": f"https://{SITE_HOST}/circles?member={person.email}",
        },
        {
            "name": "chunk.load_failed",
            "level": "error",
            "message": "Loading chunk 12 failed",
            "component": "Timeline",
            "url": f"https://{SITE_HOST}/timeline",
        },
        {
            "name": "session.expired",
            "level": "warning",
            "message": "Session expired while a form was open",
            "component": "ProfileForm",
            "url": f"https://{SITE_HOST}/profile",
        },
    )
    for report in reports:
        visitor.post("/api/client-events/", report | common, expect=202)
    visitor.post("/api/client-events/", {"name": "loose", "level": "chatty"}, expect=400)


def failing_export(visitor: Visitor, circle: int) -> None:
    """Ask for an export, whose database is down."""
    dsn: str = settings.TINYBEANS_ARCHIVE_DSN
    visitor.manifest.add("password", dsn.partition("@")[0].rpartition(":")[2])
    visitor.get(f"/api/users/circles/{circle}/export/", expect=500)


def cleaning_up(parent: Visitor, guest: Visitor, family: Household, circle: int, member: int) -> None:
    """Delete a keep; a member tries what only the owner may, the owner then does it; both log out."""
    keep = f"/api/circles/{circle}/keeps/{family.photos[1].keep_id}/"
    guest.delete(keep, expect=403)
    parent.delete(keep)
    parent.delete(keep, expect=404)
    guest.delete(f"/api/users/circles/{circle}/members/{member}/", expect=403)
    parent.delete(f"/api/users/circles/{circle}/members/{member}/")
    guest.get(f"/api/users/circles/{circle}/", expect=403)
    guest.post("/api/auth/logout/", {})
    parent.post("/api/auth/logout/", {})
