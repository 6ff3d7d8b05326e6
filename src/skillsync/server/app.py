"""The WSGI application over one database, in this process or behind a port."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from skillsync.server.database import new_database, point_at
from skillsync.server.dialects import DIALECTS
from skillsync.server.quotas import Quota

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from wsgiref.types import StartResponse, WSGIEnvironment

    from django.core.handlers.wsgi import WSGIHandler

    from skillsync.server.database import Database
    from skillsync.server.windows import Throttle

__all__ = ["Application", "create_app", "new_database"]


class Application:
    """A WSGI application that may be called from any thread; two of them may live in one process."""

    def __init__(
        self, handler: WSGIHandler, database: Database, *, environ: Mapping[str, object]
    ) -> None:
        """``environ`` is what every request carries along: dialect, quota, throttle."""
        self._handler = handler
        self._database = database
        self._environ = environ

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        self._database.bind()
        environ.update(self._environ)
        environ["PATH_INFO"] = _wsgi_path(environ.get("PATH_INFO", ""))
        if "HTTP_X_FORWARDED_HOST" in environ:  # of several proxies the first one saw the client
            first, _, _ = environ["HTTP_X_FORWARDED_HOST"].partition(",")
            environ["HTTP_X_FORWARDED_HOST"] = first.strip()
        answer: Any = self._handler(environ, start_response)
        if environ["REQUEST_METHOD"] == "HEAD":
            answer.close()
            return []
        body: Iterable[bytes] = answer
        return body

    def close(self) -> None:
        """Close the database connections of every thread."""
        self._database.close()


def create_app(
    database: str,
    *,
    dialect: str = "seed",
    quota: Quota | None = None,
    throttle: Throttle | None = None,
) -> Application:
    """The application over ``database``, a URL such as ``sqlite:////abs/path.sqlite3``.

    Sets Django up once per process, migrates the database if needed, and makes it the one that
    ``accounts`` works on. Without a ``throttle`` keys may ask as often as they like. ValueError for a URL that
    is none, KeyError for an unknown dialect.
    """
    spoken = DIALECTS[dialect]
    pointed = point_at(database)
    return Application(
        _handler(),
        pointed,
        environ={
            "skillsync.dialect": spoken,
            "skillsync.quota": quota or Quota(),
            "skillsync.throttle": throttle,
        },
    )


def _handler() -> WSGIHandler:
    """Django's handler; with the admin page, which needs its pictures and styles, the one that serves files too."""
    from django.conf import settings
    from django.core.handlers.wsgi import WSGIHandler

    handler = WSGIHandler()
    if "django.contrib.admin" in settings.INSTALLED_APPS:
        from django.contrib.staticfiles.handlers import StaticFilesHandler

        return StaticFilesHandler(handler)
    return handler


def _wsgi_path(path: str) -> str:
    """The path as WSGI wants it: bytes in the clothes of Latin-1 (PEP 3333).

    ``httpx.WSGITransport`` hands over text instead; text that is not valid in the other form is turned into it.
    """
    try:
        path.encode("latin-1").decode()
    except UnicodeEncodeError:
        return path.encode().decode("latin-1")
    except UnicodeDecodeError:
        return path.encode("utf-8").decode("latin-1")
    return path
