"""The Django application's identity: its label prefixes every table."""

from django.apps import AppConfig


class TinybeansConfig(AppConfig):
    """Family photo sharing."""

    name = "sandbox.app"
    label = "tinybeans"
    verbose_name = "Tinybeans"
    default_auto_field = "django.db.models.BigAutoField"
