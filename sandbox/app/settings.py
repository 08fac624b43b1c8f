"""Django's settings as a function of a run, so that nothing is configured by an import."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field

from django.conf import settings as django_settings

SITE_HOST = "tinybeans.example.com"


@dataclass(frozen=True, kw_only=True)
class RunSettings:
    """What differs between two runs of the service."""

    archive_dsn: str = field(repr=False)
    """Where album exports are read from; contains a password, like every connection string does."""
    secret_key: str = field(default_factory=lambda: secrets.token_urlsafe(48), repr=False)


def configure(run: RunSettings) -> None:
    """Configure Django for this process.  Call once, before any model is imported."""
    django_settings.configure(
        SECRET_KEY=run.secret_key,
        DEBUG=False,
        ALLOWED_HOSTS=[SITE_HOST],
        ROOT_URLCONF="sandbox.app.urls",
        INSTALLED_APPS=[
            "django.contrib.contenttypes",
            "django.contrib.auth",
            "django_structlog",
            "sandbox.app.apps.TinybeansConfig",
        ],
        MIDDLEWARE=[
            # Outermost first: everything below logs with the request's identifiers.
            "sandbox.app.middleware.RequestContextMiddleware",
            "sandbox.app.middleware.AccessLogMiddleware",
            "sandbox.app.middleware.SqlTraceMiddleware",
            "django.middleware.common.CommonMiddleware",
            "sandbox.app.middleware.BearerAuthMiddleware",
        ],
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
        # Tables straight from the models: Django's history of its own tables would be a third of the start-up time.
        MIGRATION_MODULES={"auth": None, "contenttypes": None},
        CACHES={"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}},
        EMAIL_BACKEND="django.core.mail.backends.locmem.EmailBackend",
        DEFAULT_FROM_EMAIL="hello@tinybeans.example.com",
        AUTH_USER_MODEL="tinybeans.Member",
        # Made-up accounts in a database that dies with the process; a slow hash would be most of the run time.
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
        USE_TZ=True,
        # Django's own logging set-up adds console and mail handlers; logging_setup is the only one here.
        LOGGING_CONFIG=None,
        # The load balancer chooses the request id, so that its log and ours can be joined.
        DJANGO_STRUCTLOG_TRUST_UPSTREAM_REQUEST_ID=True,
        TINYBEANS_ARCHIVE_DSN=run.archive_dsn,
        # Statements are logged for these paths only: at DEBUG, SQL would be most of what the service writes.
        TINYBEANS_SQL_TRACE_PATHS=("/api/auth/password/reset/request/", "/api/users/invitations/"),
        TINYBEANS_LOGIN_ATTEMPTS=3,
        TINYBEANS_OAUTH_REDIRECTS=(f"https://{SITE_HOST}/auth/google/callback",),
    )
