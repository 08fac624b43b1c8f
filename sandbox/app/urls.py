"""Where each view is found; the paths are those of the Tinybeans API."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.urls import path

from sandbox.app import accounts, circles, client_events, health, keeps, oauth, passwords, two_factor

handler400 = health.bad_request
handler403 = health.forbidden
handler404 = health.not_found
handler500 = health.server_error


def _password_reset_confirm(request: HttpRequest) -> HttpResponse:
    return (passwords.check_reset if request.method == "GET" else passwords.finish_reset)(request)


def _keeps(request: HttpRequest, circle_id: int) -> HttpResponse:
    return (keeps.timeline if request.method == "GET" else keeps.upload)(request, circle_id)


urlpatterns = [
    path("health/", health.health),
    path("api/auth/signup/", accounts.signup),
    path("api/auth/login/", accounts.login),
    path("api/auth/logout/", accounts.logout),
    path("api/auth/2fa/setup/", two_factor.setup),
    path("api/auth/2fa/verify-setup/", two_factor.verify_setup),
    path("api/auth/2fa/verify-login/", two_factor.verify_login),
    path("api/auth/password/reset/request/", passwords.request_reset),
    path("api/auth/password/reset/confirm/", _password_reset_confirm),
    path("api/auth/google/initiate/", oauth.initiate),
    path("api/auth/google/callback/", oauth.callback),
    path("api/users/me/", accounts.profile),
    path("api/users/circles/", circles.create),
    path("api/users/circles/<int:circle_id>/", circles.read),
    path("api/users/circles/<int:circle_id>/export/", circles.export),
    path("api/users/circles/<int:circle_id>/invitations/", circles.invite),
    path("api/users/circles/<int:circle_id>/members/<int:member_id>/", circles.remove_member),
    path("api/users/invitations/accept/", circles.accept),
    path("api/circles/<int:circle_id>/keeps/", _keeps),
    path("api/circles/<int:circle_id>/keeps/<uuid:keep_id>/", keeps.delete),
    path("api/client-events/", client_events.collect),
]
