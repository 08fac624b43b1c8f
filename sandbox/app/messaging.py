"""E-mail and SMS to members."""

from __future__ import annotations

import structlog
from django.core.mail import send_mail

from sandbox.app.settings import SITE_HOST

_email_log = structlog.get_logger("mysite.emails.services")
_sms_log = structlog.get_logger("mysite.messaging.services")
_console_log = structlog.get_logger("mysite.messaging.providers.console")


def link(path: str) -> str:
    """Return an address on the site."""
    return f"https://{SITE_HOST}{path}"


def send_email(template: str, *, to: str, subject: str, text: str) -> None:
    """Send one message from a template."""
    send_mail(subject, text, None, [to])
    _email_log.info(f"Dispatched {template} email to {to}", template=template)


def send_sms(kind: str, *, to: str, text: str) -> None:
    """Send one text message through the console provider, which writes it down instead."""
    _console_log.info(f"[ConsoleSMS] To {to}: {text}")
    _sms_log.info("SMS dispatched", event_name=f"messaging.sms.{kind}_sent", phone_last4=to[-4:])
