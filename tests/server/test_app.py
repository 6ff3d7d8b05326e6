"""One application per database, callable from any thread; several in one process."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any
from wsgiref.util import setup_testing_defaults

import pytest
from django.db import connection

from skillsync.server import accounts
from skillsync.server.app import create_app, new_database
from tests.server.conftest import Clients
from tests.server.facts import create

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def test_a_second_application_does_not_disturb_the_first(tmp_path: Path) -> None:
    one = create_app(new_database(tmp_path / "one.sqlite3"))
    accounts.first_start(key="phx_first_key")
    two = create_app(new_database(tmp_path / "two.sqlite3"))
    accounts.first_start(key="phx_first_key")
    create(Clients(one)(), "in-one")
    create(Clients(two)(), "in-two")
    for app, name in ((one, "in-one"), (two, "in-two"), (one, "in-one")):
        rows = Clients(app)().get("llm_skills").json()["results"]
        assert [row["name"] for row in rows] == [name]
    one.close()
    two.close()


def test_accounts_work_on_the_database_made_last(tmp_path: Path) -> None:
    create_app(new_database(tmp_path / "one.sqlite3")).close()
    two = create_app(new_database(tmp_path / "two.sqlite3"))
    accounts.first_start(key=None)
    key = accounts.create_key(user="ada").value
    assert Clients(two)(key=key).get("llm_skills").status_code == 200
    two.close()


def test_what_was_written_is_there_for_the_next_application(tmp_path: Path) -> None:
    url = new_database(tmp_path / "server.sqlite3")
    app = create_app(url)
    accounts.first_start(key="phx_first_key")
    made = create(Clients(app)())
    app.close()
    again = create_app(url)
    assert Clients(again)().get("llm_skills/name/greet").json() == made
    again.close()


def test_many_threads_may_call_it(clients: Clients) -> None:
    """Each thread has its own connection; the writers queue up."""
    failures: list[str] = []

    def work(number: int) -> None:
        client = clients()
        for step in range(5):
            answer = client.post(
                "llm_skills", json={"name": f"s{number}-{step}", "description": "d", "body": "b"}
            )
            if answer.status_code != 201:
                failures.append(answer.text)
        connection.close()  # a thread that ends leaves its own open

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert clients().get("llm_skills").json()["count"] == 30


def test_the_dialect_has_to_be_known(database: str) -> None:
    with pytest.raises(KeyError):
        create_app(database, dialect="future")


def test_a_path_arrives_as_text_or_as_wsgi_bytes_in_latin_1(clients: Clients) -> None:
    """httpx hands over text; a real server hands over what PEP 3333 says."""
    create(clients(), files=[{"path": "é.md", "content": "x"}])
    assert clients().get("llm_skills/name/greet/files/é.md").json()["content"] == "x"
    environ: dict[str, Any] = {
        "PATH_INFO": "/api/projects/1/llm_skills/name/greet/files/\xc3\xa9.md",
        "HTTP_AUTHORIZATION": "Bearer phx_first_key",
    }
    setup_testing_defaults(environ)
    seen: list[str] = []

    def start_response(status: str, *_: object) -> Callable[[bytes], object]:
        seen.append(status)
        return seen.append  # type: ignore[return-value]  # nobody calls it

    body = b"".join(clients.app(environ, start_response))
    assert json.loads(body)["path"] == "é.md"
    assert seen == ["200 OK"]
