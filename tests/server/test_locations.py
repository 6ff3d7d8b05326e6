"""The default database lives in the user's data folder, which is private."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import TYPE_CHECKING

from skillsync.server.database import Database
from skillsync.server.locations import default_database

if TYPE_CHECKING:
    import pytest


def test_the_folder_is_made_private(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platformdirs.user_data_dir", lambda *_, **__: str(tmp_path / "a b"))
    url = default_database()
    path = Path(Database(url).config["NAME"])
    assert path == tmp_path / "a b" / "server.sqlite3"
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert not path.exists()
