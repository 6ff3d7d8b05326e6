"""The admin page: not there unless asked for, and then behind a login; tried in a process of its own."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.server.facts import create, error, missing
from tests.server.test_serve import KEY, at, process

if TYPE_CHECKING:
    from pathlib import Path

PASSWORD = "a long pass phrase"
_ADMIN = "from skillsync.cli.cmd_server_admin import server_admin; server_admin()"


def add_admin(database: str, name: str, password: str) -> subprocess.CompletedProcess[str]:
    command = ["--database", database, "add-admin", name, "--password", password]
    return subprocess.run(
        [sys.executable, "-c", _ADMIN, *command], capture_output=True, text=True, check=False
    )


def test_the_page_is_not_there_unless_asked_for(client: httpx.Client) -> None:
    for path in ("/admin/", "/admin/login/", "/admin-static/admin/css/base.css"):
        assert error(client.get(f"http://server.test{path}"), 404) == missing("Endpoint not found.")


@pytest.mark.slow
def test_the_page_needs_a_login_and_changes_no_content(tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path}/server.sqlite3"
    weak = add_admin(database, "ada", "short")
    assert weak.returncode == 2
    assert "too short" in weak.stderr
    made = add_admin(database, "ada", PASSWORD)
    assert made.returncode == 0, made.stderr
    with process(database, "--admin", "--key", KEY) as (_, ready):
        with at(ready["url"]) as api:
            create(api)
        with httpx.Client(base_url=ready["url"], follow_redirects=True) as web:
            page = web.get("/admin/skillsync_server/skill/")
            assert page.url.path == "/admin/login/"
            assert web.get("/admin-static/admin/css/base.css").status_code == 200
            token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)
            assert token is not None
            form = {"csrfmiddlewaretoken": token[1], "username": "ada", "password": "wrong"}
            assert "Please enter the correct" in web.post("/admin/login/", data=form).text
            assert (
                web.post("/admin/login/", data={**form, "csrfmiddlewaretoken": ""}).status_code
                == 403
            )
            form |= {"password": PASSWORD, "next": "/admin/"}
            assert web.post("/admin/login/", data=form).status_code == 200
            listed = web.get("/admin/skillsync_server/skill/")
            assert listed.status_code == 200
            assert "greet" in listed.text
            for path in ("project", "user", "apikey", "dataset", "versioneddataset"):
                answer = web.get(f"/admin/skillsync_server/{path}/")
                assert answer.status_code == 200, path
                assert KEY not in answer.text
            assert web.get("/admin/skillsync_server/skill/add/").status_code == 403
            assert web.get("/admin/skillsync_server/apikey/add/").status_code == 403
        with at(ready["url"]) as api:
            assert api.get("llm_skills/name/greet").status_code == 200
    with process(database) as (_, ready):
        assert httpx.get(f"{ready['url']}/admin/").status_code == 404
