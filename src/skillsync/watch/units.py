"""The files that let the system start a daemon at login: a systemd user unit, or a launchd agent. Pure texts."""

from __future__ import annotations

import hashlib
import plistlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

STOP_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Unit:
    """One file to install: where it goes, its text, and the commands that then start and stop the daemon."""

    path: Path
    text: bytes
    start: tuple[str, ...]
    stop: tuple[str, ...]
    verify: tuple[str, ...] = ()


def unit_name(root: Path) -> str:
    """Return a name for the daemon of one clone: its folder's name, and what tells two of one name apart."""
    digest = hashlib.sha256(str(root).encode("utf-8", "surrogateescape")).hexdigest()[:8]
    word = re.sub(r"[^A-Za-z0-9]+", "-", root.name).strip("-")[:40] or "clone"
    return f"skillsync-watch-{word}-{digest}"


def make_unit(
    *,
    platform: str,
    root: Path,
    command: Sequence[str],
    home: Path,
    environ: Mapping[str, str],
) -> Unit:
    """Return the unit for a platform as ``sys.platform`` names it. ``command`` is what it runs, as whole words."""
    if platform == "darwin":
        return _launchd(root, command, home)
    return _systemd(root, command, home, environ)


def _systemd(root: Path, command: Sequence[str], home: Path, environ: Mapping[str, str]) -> Unit:
    config = environ.get("XDG_CONFIG_HOME") or ""
    base = Path(config) if config.startswith("/") else home / ".config"
    name = f"{unit_name(root)}.service"
    path = base / "systemd" / "user" / name
    text = f"""\
# Written by `skillsync watch install`; `skillsync watch uninstall` removes it.
[Unit]
Description=skillsync watches {_plain(root)}
ConditionPathExists={_specifiers(str(root / "skillsync.toml"))}
StartLimitIntervalSec=600
StartLimitBurst=5

[Service]
ExecStart={" ".join(systemd_word(word) for word in command)}
WorkingDirectory={_specifiers(str(root))}
Restart=on-failure
RestartSec=60
TimeoutStopSec={STOP_SECONDS}
NoNewPrivileges=true

[Install]
WantedBy=default.target
"""
    reload = "systemctl --user daemon-reload"
    return Unit(
        path,
        text.encode("utf-8", "surrogateescape"),
        start=(reload, f"systemctl --user enable --now {name}", f"journalctl --user -u {name}"),
        stop=(f"systemctl --user disable --now {name}",),
        verify=("systemd-analyze", "--user", "verify", str(path)),
    )


def systemd_word(word: str) -> str:
    """Return one word of a command line as systemd reads it back: quoted, nothing expanded."""
    text = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    text = text.replace("\n", "\\n").replace("\t", "\\t")
    return f'"{text}"'


def _specifiers(text: str) -> str:
    return text.replace("%", "%%").replace("\n", " ")


def _plain(root: Path) -> str:
    return _specifiers(re.sub(r"[^\x20-\x7e]", "?", str(root)))


def _launchd(root: Path, command: Sequence[str], home: Path) -> Unit:
    label = unit_name(root)
    path = home / "Library" / "LaunchAgents" / f"{label}.plist"
    log = str(home / "Library" / "Logs" / f"{label}.log")
    agent = {
        "Label": label,
        "ProgramArguments": list(command),
        "WorkingDirectory": str(root),
        "RunAtLoad": True,
        "KeepAlive": {"SuccessfulExit": False},
        "ThrottleInterval": 60,
        "ExitTimeOut": STOP_SECONDS,
        "ProcessType": "Background",
        "StandardOutPath": log,
        "StandardErrorPath": log,
    }
    return Unit(
        path,
        plistlib.dumps(agent),
        start=(f"launchctl bootstrap gui/$(id -u) '{path}'", f"tail -f '{log}'"),
        stop=(f"launchctl bootout gui/$(id -u)/{label}",),
        verify=("plutil", "-lint", str(path)),
    )
