"""Circles: who belongs, who is invited, who is kept out."""

from __future__ import annotations

from hmac import compare_digest

import structlog
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse

from sandbox.app.archive import albums_of
from sandbox.app.events import audit, security
from sandbox.app.messaging import link, send_email
from sandbox.app.models import Circle, Invitation, Membership
from sandbox.app.web import auth_context_of, body_of, endpoint, reply

_log = structlog.get_logger("mysite.users.views.circles")


def membership_of(request: HttpRequest, circle_id: int) -> Membership | None:
    """Return the caller's membership, or record that there is none."""
    structlog.contextvars.bind_contextvars(circle_id=circle_id)
    membership: Membership | None = Membership.objects.filter(circle_id=circle_id, member=request.user).first()
    if membership is None:
        security(
            "circle.access.denied",
            f"Member {request.user.email} is not in circle {circle_id}",
            auth_context=auth_context_of(request),
        )
    return membership


@endpoint("POST")
def create(request: HttpRequest) -> HttpResponse:
    """Create a circle that the caller owns."""
    circle = Circle.objects.create(name=body_of(request, "name")["name"], owner=request.user)
    structlog.contextvars.bind_contextvars(circle_id=circle.pk)
    Membership.objects.create(circle=circle, member=request.user, role="owner")
    audit("circle.created", actor_id=request.user.pk, target_id=circle.pk)
    _log.info("Circle created", event_name="circles.created")
    return reply(201, id=circle.pk)


@endpoint("GET")
def read(request: HttpRequest, circle_id: int) -> HttpResponse:
    """Show a circle to its members."""
    membership = membership_of(request, circle_id)
    if membership is None:
        return reply(403, error="not_a_member")
    members = membership.circle.memberships.count()
    _log.debug("Circle read", event_name="circles.read", members=members)
    return reply(id=circle_id, name=membership.circle.name, members=members)


@endpoint("POST")
def invite(request: HttpRequest, circle_id: int) -> HttpResponse:
    """Invite somebody by e-mail."""
    if membership_of(request, circle_id) is None:
        return reply(403, error="not_a_member")
    email = body_of(request, "email")["email"]
    invitation = Invitation.objects.create(circle_id=circle_id, email=email, invited_by=request.user)
    send_email(
        "circle.invitation",
        to=email,
        subject="You are invited",
        text=link(f"/invitations/{invitation.token}"),
    )
    audit("circle.invitation.sent", actor_id=request.user.pk, target_id=invitation.pk)
    _log.info(f"Invitation sent to {email}", event_name="circles.invitation.sent", invitation=invitation.pk)
    return reply(201, id=invitation.pk)


@endpoint("POST")
def accept(request: HttpRequest) -> HttpResponse:
    """Join the circle of an invitation that was sent to the caller's address."""
    token = str(body_of(request, "token")["token"])
    offers = Invitation.objects.filter(email=request.user.email, status="pending")
    # Compared here and not in the query: statements are logged, and the token would be one of their arguments.
    invitation = next((offer for offer in offers if compare_digest(offer.token, token)), None)
    if invitation is None:
        _log.warning("Invitation not found or already answered", event_name="circles.invitation.invalid")
        return reply(400, error="invalid_invitation")
    structlog.contextvars.bind_contextvars(circle_id=invitation.circle_id)
    Membership.objects.create(circle_id=invitation.circle_id, member=request.user)
    Invitation.objects.filter(pk=invitation.pk).update(status="accepted")
    audit("circle.member.added", actor_id=request.user.pk, target_id=request.user.pk, role="member")
    _log.info("Invitation accepted", event_name="circles.invitation.accepted")
    return reply(circle_id=invitation.circle_id)


@endpoint("DELETE")
def remove_member(request: HttpRequest, circle_id: int, member_id: int) -> HttpResponse:
    """Take a member out of a circle; for its owner only."""
    membership = membership_of(request, circle_id)
    if membership is None or membership.role != "owner":
        raise PermissionDenied("only the owner of a circle removes members")
    Membership.objects.filter(circle_id=circle_id, member_id=member_id).delete()
    audit("circle.member.removed", actor_id=request.user.pk, target_id=member_id)
    return reply()


@endpoint("GET")
def export(request: HttpRequest, circle_id: int) -> HttpResponse:
    """Export a circle's albums from the archive database."""
    if membership_of(request, circle_id) is None:
        return reply(403, error="not_a_member")
    return reply(albums=albums_of(circle_id))
