"""The baseline of the server's figures: one Django REST framework view per case, one SQLite transaction each, nothing else.

Run as `python -m benchmarks.bare FILE`; prints its URL as one JSON line once it answers. The same library, web
server, database settings and sizes of answers as the real server; no keys, no rules, no versions. Bodies are parsed
and not validated, which makes the baseline faster than the view of an API that is used.
"""

from __future__ import annotations

import json
import sys
import uuid
from pathlib import Path
from typing import Any

import waitress
from django.conf import settings

_PRAGMAS = "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
_TABLE = "CREATE TABLE bare_row (id char(32) PRIMARY KEY, name varchar(64), version integer, body text, data text)"  # fmt: skip
THREADS = 8
ROWS = 100


def configure(path: Path) -> None:
    """Set Django up over an SQLite file."""
    import django

    settings.configure(
        SECRET_KEY="bare",  # noqa: S106  signs nothing: there are no sessions
        ALLOWED_HOSTS=["*"],
        INSTALLED_APPS=[],
        USE_TZ=True,
        USE_I18N=False,
        LOGGING_CONFIG=None,
        ROOT_URLCONF=__name__,
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.sqlite3",
                "NAME": str(path),
                "CONN_MAX_AGE": None,
                "OPTIONS": {
                    "transaction_mode": "IMMEDIATE",
                    "init_command": _PRAGMAS,
                    "timeout": 60,
                },
            }
        },
        REST_FRAMEWORK={
            "DEFAULT_AUTHENTICATION_CLASSES": [],
            "DEFAULT_PERMISSION_CLASSES": [],
            "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
            "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
            "UNAUTHENTICATED_USER": None,
        },
    )
    django.setup()


def views(row: Any) -> list[Any]:
    """The URL patterns; ``row`` is the model."""
    from django.db import transaction
    from django.urls import path
    from rest_framework.response import Response
    from rest_framework.views import APIView

    def shown(one: Any, *, whole: bool = True) -> dict[str, Any]:
        body = {"body": one.body} if whole else {}
        return {"id": one.id, "name": one.name, "version": one.version, **body, **json.loads(one.data)}  # fmt: skip

    class One(APIView):
        """Read a row by name; put a new version in its place."""

        def get(self, _: Any, name: str) -> Response:
            """The row."""
            return Response(shown(row.objects.get(name=name)))

        def patch(self, request: Any, name: str) -> Response:
            """A new row in place of the old one, in one transaction."""
            with transaction.atomic():
                old = row.objects.get(name=name)
                row.objects.filter(pk=old.pk).update(name=f"{name}-{old.version}")
                new = row(
                    id=uuid.uuid4().hex,
                    name=name,
                    version=old.version + 1,
                    body=request.data["body"],
                    data=old.data,
                )
                new.save(force_insert=True)
            return Response(shown(new))

    class Many(APIView):
        """List a hundred rows; add one."""

        def get(self, _: Any) -> Response:
            """A page, with its count."""
            found = row.objects.filter(name__startswith="listed").order_by("name").defer("body")
            count = found.count()
            return Response({"count": count, "results": [shown(one, whole=False) for one in found[:ROWS]]})  # fmt: skip

        def post(self, request: Any) -> Response:
            """One more row."""
            with transaction.atomic():
                new = row(id=uuid.uuid4().hex, name="", version=1, body="", data=json.dumps(request.data))  # fmt: skip
                new.save(force_insert=True)
            return Response(shown(new), status=201)

    return [path("rows/<str:name>", One.as_view()), path("rows", Many.as_view())]


def model() -> Any:
    """The one table's model."""
    from django.db import connection, models

    class Row(models.Model):
        """A row."""

        id = models.CharField(primary_key=True, max_length=32)
        name = models.CharField(max_length=64)
        version = models.IntegerField()
        body = models.TextField()
        data = models.TextField()

        class Meta:
            """Made by hand, not by a migration."""

            app_label = "bare"

    with connection.cursor() as cursor:
        cursor.execute(_TABLE)
        cursor.execute("CREATE INDEX bare_name ON bare_row (name)")
    return Row


def main() -> None:
    """Serve until somebody ends the process."""
    configure(Path(sys.argv[1]))
    row = model()
    data = json.dumps(json.loads(sys.argv[2]))
    body = sys.argv[3]
    row.objects.bulk_create(
        [row(id=uuid.uuid4().hex, name=name, version=1, body=body, data=data)
         for name in ("one", *(f"listed-{number:03}" for number in range(ROWS)))]
    )  # fmt: skip
    from django.core.handlers.wsgi import WSGIHandler

    globals()["urlpatterns"] = views(row)
    sys.modules.setdefault("benchmarks.bare", sys.modules[__name__])
    server = waitress.create_server(WSGIHandler(), host="127.0.0.1", port=0, threads=THREADS)
    print(json.dumps({"url": f"http://127.0.0.1:{server.effective_port}"}), flush=True)
    server.run()


if __name__ == "__main__":
    main()
