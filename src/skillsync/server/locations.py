"""Where the embedded server keeps its database when nobody says otherwise."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import platformdirs


def default_database() -> str:
    """The URL of ``skillsync/server.sqlite3`` in the user's data folder, which is made private (700)."""
    folder = Path(platformdirs.user_data_dir("skillsync", appauthor=False))
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    return f"sqlite:///{quote(str(folder / 'server.sqlite3'))}"
