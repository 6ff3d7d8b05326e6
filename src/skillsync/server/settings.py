"""Django settings of the embedded server: no secrets, no contrib apps, one placeholder database."""

from __future__ import annotations

import secrets

SECRET_KEY = secrets.token_urlsafe(32)
"""Made anew by each process: nothing that outlives a process is signed with it."""

DEBUG = False
ALLOWED_HOSTS = ["*"]
INSTALLED_APPS = ["skillsync.server.apps.ServerConfig"]
MIDDLEWARE = [
    "skillsync.server.routing.by_dialect",
    "django.middleware.common.CommonMiddleware",
]
ROOT_URLCONF = "skillsync.server.urls"
APPEND_SLASH = False

# A placeholder: every thread is bound to a real database by ``database.bind``.
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

USE_TZ = True
TIME_ZONE = "UTC"
USE_I18N = False
LOGGING_CONFIG = None

# Paging links follow the proxy in front of us (platform.md 11, point 6).
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
USE_X_FORWARDED_HOST = True

# Form and multipart bodies; ``views.ApiView`` holds JSON bodies to the same limit (platform.md 8).
DATA_UPLOAD_MAX_MEMORY_SIZE = 20 * 1024 * 1024
FILE_UPLOAD_MAX_MEMORY_SIZE = DATA_UPLOAD_MAX_MEMORY_SIZE

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["skillsync.server.authentication.BearerAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["skillsync.server.permissions.ScopesAndMembership"],
    "DEFAULT_THROTTLE_CLASSES": ["skillsync.server.throttling.PerKey"],
    "DEFAULT_PARSER_CLASSES": [
        "skillsync.server.parsing.LenientJsonParser",
        "rest_framework.parsers.FormParser",
        "rest_framework.parsers.MultiPartParser",
    ],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PAGINATION_CLASS": "skillsync.server.paging.Paging",
    "EXCEPTION_HANDLER": "skillsync.server.exceptions.answer_for",
    "UNAUTHENTICATED_USER": None,
    # Nested errors name the item: ``files__1__content`` (skills-api.md 8).
    "LIST_SERIALIZER_ERRORS_AS_DICT": True,
}
