"""Families, their circles, and the keeps (photos) they share."""

from __future__ import annotations

import secrets
import uuid

from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.db import models


def invitation_token() -> str:
    """Return the secret that an invitation's e-mail carries."""
    return secrets.token_urlsafe(24)


class Member(AbstractUser):
    """A family member: Django's user, known by e-mail address."""

    email = models.EmailField(unique=True)
    phone_number = models.CharField(max_length=20, blank=True)
    totp_secret = models.CharField(max_length=64, blank=True)
    two_factor_enabled = models.BooleanField(default=False)


class RecoveryCode(models.Model):
    """A one-time replacement for an authenticator; only its hash is kept."""

    member = models.ForeignKey(Member, on_delete=models.CASCADE, related_name="recovery_codes")
    code_hash = models.CharField(max_length=64)
    used = models.BooleanField(default=False)


class Circle(models.Model):
    """The people who see a family's keeps."""

    name = models.CharField(max_length=120)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)


class Membership(models.Model):
    """That a member belongs to a circle."""

    circle = models.ForeignKey(Circle, on_delete=models.CASCADE, related_name="memberships")
    member = models.ForeignKey(Member, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=20, default="member")

    class Meta:
        """A member belongs to a circle once."""

        constraints = (models.UniqueConstraint(fields=["circle", "member"], name="one_membership"),)


class Invitation(models.Model):
    """An offer, sent by e-mail, to join a circle."""

    circle = models.ForeignKey(Circle, on_delete=models.CASCADE)
    email = models.EmailField()
    invited_by = models.ForeignKey(Member, on_delete=models.CASCADE)
    token = models.CharField(max_length=64, default=invitation_token)
    status = models.CharField(max_length=20, default="pending")


class Keep(models.Model):
    """A photo with what the family said about it and what the camera knew."""

    # The mobile app chooses the id, so that an upload it repeats after a lost connection is the same keep.
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    circle = models.ForeignKey(Circle, on_delete=models.CASCADE, related_name="keeps")
    created_by = models.ForeignKey(Member, on_delete=models.CASCADE)
    file_name = models.CharField(max_length=255)
    caption = models.CharField(max_length=500, blank=True)
    exif = models.JSONField(default=dict)
