"""What the server is and what the key may do, learned lazily from answers and remembered per target.

Remembered for one run and not on disk: it costs nothing to learn. The list of skills, an answer to a publish, the list
of datasets and every row show it, and are asked for anyway. The one request that is made to learn something, the first
page of rows, is sent where the project has no dataset yet and this clone has one; there a file could only say what the
server was like once, and a first write in the wrong generation would be refused. The prefix of the URLs costs one 404
per collection, and only on a server that does not know ``environments``, which every generation read so far does
(datasets-api.md 1).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from skillsync.api.answers import Answer, Method, clean
from skillsync.api.transport import DEFAULT_CAP, Transport
from skillsync.errors import BadAnswer, ConfigError, NotFound, Refused
from skillsync.model import Json

DatasetGeneration = Literal["unknown", "G1", "G2"]
_PREFIXES = ("environments", "projects")
_NEWER_KEYS = frozenset(
    {
        *("archived", "team_id", "current_revision"),  # a dataset
        *("version_id", "client_item_id", "external_id", "expected_output"),  # an item
    }
)
_OLD_KEY = "external_id"
"""How the first servers of the newer generation call a row's key; they are only read (sync.md 2.2)."""


@dataclass(frozen=True, slots=True)
class KeyInfo:
    """What a key is (platform.md 9). ``teams`` None: not limited to projects. ``mask`` is the server's."""

    user_id: int | None
    label: str
    scopes: tuple[str, ...]
    teams: tuple[int, ...] | None
    mask: str

    def may(self, scope: str) -> bool:
        """Tell whether the key has ``scope``, such as ``dataset:read``; write implies read, ``*`` all."""
        thing, _, _ = scope.partition(":")
        return bool({"*", scope, f"{thing}:write"} & set(self.scopes))

    def reaches(self, project: int) -> bool:
        """Tell whether the key is not limited to other projects."""
        return self.teams is None or project in self.teams


def key_info(transport: Transport) -> KeyInfo | None:
    """Ask what the key is; None on a server without that call. NotAuthenticated for a key it does not know."""
    try:
        answer = transport.request(
            "GET", "/api/personal_api_keys/@current/", subject="the key", cap=1 << 20
        )
    except NotFound:
        return None
    value = answer.json
    if not isinstance(value, dict):
        raise BadAnswer("the description of the key is not an object", subject="the key")
    teams = value.get("scoped_teams")
    user = value.get("user_id")
    return KeyInfo(
        user_id=user if isinstance(user, int) and not isinstance(user, bool) else None,
        label=_text(value.get("label")),
        scopes=tuple(s for s in _items(value.get("scopes")) if isinstance(s, str)),
        teams=tuple(t for t in _items(teams) if isinstance(t, int)) or None,
        mask=_text(value.get("mask_value")),
    )


@dataclass(slots=True)
class Capabilities:
    """What answers have shown so far. ``None`` and ``unknown``: nothing seen yet. One per target.

    ``version_description``: the server has the field, so that markers can be written (sync.md 5.5).
    ``prefixes`` maps a collection to the URL prefix that it answered under.
    """

    version_description: bool | None = None
    dataset_generation: DatasetGeneration = "unknown"
    datasets_read_only: bool = False
    prefixes: dict[str, str] = field(default_factory=dict)

    def note_skill(self, detail: Mapping[str, Json]) -> None:
        """Learn from a create or detail answer."""
        self.version_description = "version_description" in detail

    def note_summary(self, summary: Mapping[str, Json]) -> None:
        """Learn from an entry of the list: it shows that the field is there, and never that it is not."""
        if "version_description" in summary:
            self.version_description = True

    def note_dataset(self, thing: Mapping[str, Json]) -> None:
        """Learn the generation from a dataset or an item (datasets-api.md 0.1).

        Raises Refused, reason ``generation``, when it is another one than before: the server was replaced.
        """
        found: DatasetGeneration = "G2" if _NEWER_KEYS & thing.keys() else "G1"
        if self.dataset_generation not in {"unknown", found}:
            raise Refused(
                "the server's datasets changed their generation while we were talking to it",
                reason="generation",
                hint="run the command again",
            )
        self.dataset_generation = found
        if _OLD_KEY in thing:
            self.datasets_read_only = True

    def require_writable_datasets(self) -> None:
        """Raise Refused for servers whose datasets are only read."""
        if self.datasets_read_only:
            raise Refused(
                "this server calls a row's key external_id: an early form of the newer generation, which is only read",
                reason="generation",
                hint="ask the operator of the server to update it; pull works",
            )


class Project:
    """The URLs of one project: tries both prefixes once and remembers which one answers (platform.md 2)."""

    def __init__(
        self, transport: Transport, project: int | str, capabilities: Capabilities | None = None
    ) -> None:
        number = str(project)
        if not (number.isascii() and number.isdigit()):
            raise ConfigError(f"the project must be a number, not {clean(number, limit=40)!r}")
        self.number = number
        self.transport = transport
        self.capabilities = capabilities or Capabilities()

    def request(
        self,
        method: Method,
        path: str,
        *,
        query: Sequence[tuple[str, str | int]] = (),
        json: Json = None,
        cap: int = DEFAULT_CAP,
        subject: str = "",
        tag: str = "",
    ) -> Answer:
        """Send a request for ``path`` below the project, such as ``llm_skills/name/x``; the rest as for Transport.

        Only a 404 that says that the *endpoint* is missing makes the other prefix be tried; such a request
        was not processed, so this is safe for writes, too.
        """
        collection = path.partition("/")[0]
        known = self.capabilities.prefixes.get(collection)
        missing: NotFound | None = None
        for prefix in (known,) if known else _PREFIXES:
            try:
                answer = self.transport.request(
                    method,
                    f"/api/{prefix}/{self.number}/{path}",
                    query=query,
                    json=json,
                    cap=cap,
                    subject=subject,
                    tag=tag,
                )
            except NotFound as error:
                if error.reason != "endpoint":
                    self.capabilities.prefixes[collection] = prefix
                    raise
                missing = missing or error
                continue
            self.capabilities.prefixes[collection] = prefix
            return answer
        assert missing is not None  # there is at least one prefix
        raise missing


def _items(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []


def _text(value: Json) -> str:
    return clean(value, limit=100) if isinstance(value, str) else ""
