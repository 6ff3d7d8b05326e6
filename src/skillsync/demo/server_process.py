"""Runs ``skillsync serve`` as a process of its own, with its database and key below the copy's ``.git``."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import select
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from skillsync.errors import DemoFailed

FOLDER = "skillsync-demo"
PATIENCE = 30.0
"""How long the server may take to answer for the first time, and to stop (seconds)."""


@dataclass(slots=True)
class ServerProcess:
    """The server of one demo. ``start``, then ``stop``; ``url`` and ``project`` are known in between.

    ``command`` is how skillsync is run (the interpreter and ``-m skillsync``); ``environ`` what it may see;
    ``dialect`` the generation of the API it speaks.
    """

    folder: Path
    command: tuple[str, ...]
    environ: Mapping[str, str]
    dialect: str = "seed"
    url: str = ""
    project: int = 1
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def database(self) -> str:
        """The database's URL, a file beside the key."""
        return f"sqlite:///{quote(str(self.folder / 'server.sqlite3'))}"

    @property
    def key_file(self) -> Path:
        """The file (mode 600) that holds the key of the first user."""
        return self.folder / "key"

    @property
    def port(self) -> int:
        """The port it answers on."""
        return int(self.url.rpartition(":")[2])

    @property
    def options(self) -> tuple[str, ...]:
        """What ``skillsync serve`` is told beside the port, whenever this server is started."""
        dialect = () if self.dialect == "seed" else ("--dialect", self.dialect)
        return ("--database", self.database, *dialect)

    def start(self) -> None:
        """Make the folder and the key, start the server on a free port and wait until it answers.

        The key goes to the server in its environment, so that no list of processes shows it. Raises DemoFailed
        with the server's own words when it does not come up.
        """
        self.folder.mkdir(mode=0o700, parents=True)
        key = f"phx_{secrets.token_urlsafe(32)}"
        with os.fdopen(
            os.open(self.key_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w"
        ) as file:
            file.write(f"{key}\n")
        with (self.folder / "server.log").open("wb") as log:
            self.process = subprocess.Popen(
                [*self.command, "serve", "--port", "0", *self.options, "--json"],
                cwd=self.folder,
                env={**self.environ, "SKILLSYNC_SERVER_KEY": key},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,
            )
        try:
            ready = json.loads(self._first_line())
            self.url, self.project = ready["url"], ready["project"]
        except (ValueError, KeyError) as error:
            self.stop()
            words = (self.folder / "server.log").read_text("utf-8", "replace").strip()
            raise DemoFailed(f"the server did not start: {words or 'it said nothing'}") from error

    def stop(self) -> None:
        """End the server and wait for it; harmless when it is not running."""
        process, self.process = self.process, None
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout:
            process.stdout.close()

    def _first_line(self) -> bytes:
        assert self.process is not None
        assert self.process.stdout is not None
        pipe, line = self.process.stdout.fileno(), b""
        until = time.monotonic() + PATIENCE
        while not line.endswith(b"\n"):
            left = until - time.monotonic()
            if left <= 0 or not select.select([pipe], [], [], left)[0]:
                break
            part = os.read(pipe, 4096)
            if not part:
                break
            line += part
        return line
