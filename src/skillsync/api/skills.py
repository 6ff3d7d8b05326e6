"""The skills of one project: list, read whole, publish with a base, archive (skills-api.md)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from urllib.parse import quote

from skillsync.api.answers import Answer
from skillsync.api.detect import Capabilities, Project
from skillsync.api.kept_pages import NoPages, Pages, read_page
from skillsync.api.listing import Listing, Page, Query, page_from, read_listing
from skillsync.api.parallel import each
from skillsync.api.payload import Published, SkillPayload, published_from
from skillsync.api.reading import (
    ManifestEntry,
    file_from,
    known_file,
    manifest_from,
    shown_name,
    skill_from,
    skill_reader,
    version_from,
)
from skillsync.api.shelf import KEPT_FIELDS, NoShelf, Shelf, StoredVersion, Wish
from skillsync.api.transport import MEBIBYTE, Transport
from skillsync.errors import BadAnswer, RemoteError
from skillsync.model import Json, RemoteFile, RemoteSkill, Version

WHOLE_BODY = 1_000_000
"""Characters: no stored body is longer, so that asking for so many is asking for all (skills-api.md 1.4)."""

UNREAD = "\ufffd"
"""Stands for the text of a file that was not read; never empty, so that it is not taken for an empty file."""

PAGE = 1_000
_VERSIONS_PAGE = 100
_KEPT_AT_ONCE = 250
"""Versions that are read before they are kept: each time costs processes of git."""
_FILE_CAP = 16 * MEBIBYTE
_MOST_BODY_PAGES = 1_000

KnownTexts = Mapping[str, str]
"""Texts by the hex SHA-256 of their UTF-8 bytes, as the newest servers name it in a manifest."""

NO_TEXTS: KnownTexts = MappingProxyType({})

Wanted = tuple[str, int | None]
"""A skill by name, and a version number or None for the latest."""


class SkillsApi:
    """Every call raises a RemoteError when the server refuses, fails, or answers with nonsense."""

    def __init__(
        self,
        transport: Transport,
        project: int | str,
        capabilities: Capabilities | None = None,
        *,
        carries: bool = True,
        pages: Pages | None = None,
        shelf: Shelf | None = None,
    ) -> None:
        """``carries`` False: what a skill's carry entry says is not looked at (skill-format.md 10.6).

        ``pages`` keeps the pages of the list; None: every one is sent whole. ``shelf`` keeps versions that were read;
        None: each is read anew.
        """
        self._carries = carries
        self._pages: Pages = pages or NoPages()
        self._shelf: Shelf = shelf or NoShelf()
        self._project = Project(transport, project, capabilities)
        self._transport = transport

    @property
    def capabilities(self) -> Capabilities:
        """What the server's answers have shown so far."""
        return self._project.capabilities

    def list(self) -> Listing[Version]:
        """List the latest version of every skill, by name: one request per 1,000.

        By name, because the default order moves a skill with every publish (skills-api.md 9). Where the server gives
        its pages an ETag, those that did not change since they were kept are not sent again (``kept_pages.py``).
        """
        return read_listing(
            self._page,
            first=(("order_by", "name"), ("limit", PAGE)),
            key_of=lambda item: str(item.get("name")),
            parse=self._summary,
            subject="the list of skills",
        )

    def _summary(self, item: Mapping[str, Json]) -> Version:
        self.capabilities.note_summary(item)
        return version_from(dict(item))

    def _page(self, query: Query) -> Page:
        def ask(tag: str) -> Answer:
            return self._project.request(
                "GET", "llm_skills", query=query, subject="the list of skills", tag=tag
            )

        return page_from(
            read_page(ask, self._pages, query),
            path=f"/api/projects/{self._project.number}/llm_skills",
            subject="the list of skills",
        )

    def read(
        self,
        name: str,
        *,
        number: int | None = None,
        since: int | None = None,
        known: KnownTexts = NO_TEXTS,
        listed: Version | None = None,
    ) -> RemoteSkill:
        """Read one version whole: every page of the body and every file of that very version.

        ``number`` None is the latest. With ``since`` the newest versions come along in the same request: as many as
        reach from the latest to that number, 100 at most. A file whose digest the manifest names is not asked for when
        its text is ``known``. ``listed`` is the version as another answer of this run named it: if it is kept, nothing
        is asked for at all (but for ``since``); without it one request tells whether what is kept is that version.
        NotFound, or BadAnswer when parts contradict each other: no truncated body ever comes
        back (skills-api.md 1.4, sync.md A3, 14.6 #83–#109).
        """
        wish = _wish((name, number), listed)
        stored = self._shelf.recall([wish]).get(wish)
        if stored is not None and listed is not None and since is None:
            return self._again(stored, listed)
        found, new = self._read(wish, since=since, known=known, stored=stored)
        if new is not None:
            self._shelf.keep([new])
        return found

    def _again(self, stored: StoredVersion, listed: Version) -> RemoteSkill:
        """Return a kept version with what was said about it in this run."""
        return self._seen(skill_from(dict(stored.fields), stored.files, version=listed))

    def _read(
        self, wish: Wish, *, since: int | None, known: KnownTexts, stored: StoredVersion | None
    ) -> tuple[RemoteSkill, StoredVersion | None]:
        """Read a version; where it is the ``stored`` one, without its files. The second is what is new to be kept."""
        versions: Sequence[Version] = ()
        if since is None:
            detail, version = self._detail(wish.name, number=wish.number, stored=stored)
        else:
            detail, version, versions = self._resolve(wish.name, number=wish.number, since=since)
        if stored is not None and not _is_same(stored.version, version):
            stored = None
        files = [
            known_file(entry, known)
            or (stored.file(entry) if stored else None)
            or self._file(version, entry)
            for entry in manifest_from(detail, name=wish.name)
        ]
        found = skill_from(detail, files, version=version)
        new = StoredVersion(version, {name: detail.get(name) for name in KEPT_FIELDS}, found.files)
        return replace(self._seen(found), versions=tuple(versions)), None if stored else new

    def read_basis(self, name: str, *, needed: Callable[[str], bool]) -> RemoteSkill:
        """Read the latest version as what a publish builds upon, and only the files that ``needed`` names.

        One request where no file is needed: the others have UNREAD as their text and must not be sent. When a
        needed file turns out to be empty all files are read (sync.md A2).
        """
        detail, version = self._detail(name, number=None)
        manifest = manifest_from(detail, name=name)
        files = [
            self._file(version, entry)
            if needed(entry.path)
            else RemoteFile(entry.path, UNREAD, entry.content_type)
            for entry in manifest
        ]
        if any(not file.text.strip() for file in files):
            files = [self._file(version, entry) for entry in manifest]
        return self._seen(skill_from(detail, files, version=version))

    def _seen(self, skill: RemoteSkill) -> RemoteSkill:
        """Return a skill as this repository looks at it: where nothing is carried, as if there were no entry."""
        if self._carries:
            return skill
        return replace(skill, content=replace(skill.content, extra=None), carried=False)

    def read_many(
        self,
        wanted: Sequence[Wanted],
        *,
        since: Mapping[str, int] = MappingProxyType({}),
        known: Mapping[str, KnownTexts] = MappingProxyType({}),
        listed: Mapping[Wanted, Version] = MappingProxyType({}),
        on_done: Callable[[Wanted], None] | None = None,
        workers: int | None = None,
    ) -> Iterator[tuple[Wanted, RemoteSkill | RemoteError]]:
        """Read many versions, a few at a time, and yield each or its error as it comes, in any order.

        ``since`` asks for the versions of some skills, by name, from a number on, and ``known`` are texts that need not
        be asked for, by name, as for ``read``; ``listed`` are versions as other answers of this run named them.
        ``workers`` None chooses by latency, at most 8. Raises for trouble that would meet every read alike:
        NotAuthenticated, Throttled, and Unreachable without any answer.
        """
        wishes = {one: _wish(one, listed.get(one)) for one in wanted}
        stored = self._shelf.recall(wishes.values())
        missing = []
        for one, wish in wishes.items():
            if wish in stored and one in listed and one[0] not in since:
                if on_done:
                    on_done(one)
                yield one, self._again(stored[wish], listed[one])
            else:
                missing.append(one)
        new: list[StoredVersion] = []
        found = each(
            missing,
            lambda one: self._read(
                wishes[one],
                since=since.get(one[0]),
                known=known.get(one[0], NO_TEXTS),
                stored=stored.get(wishes[one]),
            ),
            transport=self._transport,
            workers=workers,
        )
        try:
            for one, result in found:
                if on_done:
                    on_done(one)
                if isinstance(result, RemoteError):
                    yield one, result
                    continue
                skill, fresh = result
                new += [fresh] if fresh else []
                yield one, skill
                if len(new) >= _KEPT_AT_ONCE:
                    self._shelf.keep(new)
                    new = []
        finally:
            if new:
                self._shelf.keep(new)

    def head(self, name: str, *, number: int | None = None) -> Version:
        """Read which version is there, without its files; of the body only what the server insists on."""
        answer = self._get(name, number=number, more=(("body_length", 1),))
        return version_from(answer.json, name=name, number=number)

    def versions(
        self, name: str, *, newest: int = 100, before: int | None = None
    ) -> Sequence[Version]:
        """List at most ``newest`` versions below ``before``, newest first, paging by number."""
        found: dict[int, Version] = {}
        subject = shown_name(name)
        while len(found) < newest:
            query: Query = (("limit", min(_VERSIONS_PAGE, newest - len(found))),)
            if before is not None:
                query = (*query, ("before_version", before))
            answer = self._project.request(
                "GET", f"llm_skills/resolve/name/{_segment(name)}", query=query, subject=subject
            )
            page, has_more = _versions_page(answer.json, name=name, before=before)
            found.update((version.number, version) for version in page)
            if not has_more or not page:
                break
            before = page[-1].number
        return [*found.values()][:newest]

    def create(self, payload: SkillPayload) -> Published:
        """Create a skill. Refused with reason ``unique`` when the name is taken (skills-api.md 4)."""
        fields: dict[str, Json] = {"name": payload.name, **payload.fields}
        answer = self._project.request(
            "POST", "llm_skills", json=fields, subject=shown_name(payload.name)
        )
        return self._published(answer, payload, number=1)

    def publish(
        self, name: str, *, base: int, payload: SkillPayload, description: str = ""
    ) -> Published:
        """Publish a new version on top of ``base``; VersionConflict when that is not the latest.

        NotFound here is no proof of deletion: the loser of a race gets it, too (skills-api.md 9). An error that
        is ``indeterminate`` may have published all the same. ``description`` is the version's description, for
        servers that have it.
        """
        return self._patch(name, base, payload, description)

    def _patch(self, name: str, base: int, payload: SkillPayload, description: str) -> Published:
        fields: dict[str, Json] = {"base_version": base, **payload.fields}
        if description:
            fields["version_description"] = description
        answer = self._project.request("PATCH", _path(name), json=fields, subject=shown_name(name))
        return self._published(answer, payload, number=base + 1)

    def mark(self, basis: RemoteSkill, *, description: str) -> Published:
        """Publish ``basis``, the latest version, once more with nothing but a description: its marker (B9).

        The server copies the content of exactly that version. Errors as for ``publish``.
        """
        version = basis.version
        unchanged = SkillPayload(version.name, {}, basis.files, version.first, basis.aside)
        return self._patch(version.name, version.number, unchanged, description)

    def rename(self, name: str, new_name: str) -> Version:
        """Give a skill, with all its versions, another name; they keep their ids (skills-api.md 6).

        Refused with reason ``unique`` when the name is taken; NotFound with reason ``endpoint`` where there is no
        such call. It takes no base (sync.md A7).
        """
        answer = self._project.request(
            "POST",
            f"{_path(name)}/rename",
            json={"new_name": new_name},
            subject=shown_name(name),
        )
        return self._written(answer, new_name)

    def archive(self, name: str) -> None:
        """Archive all versions of a skill, whatever the latest is: the API takes no base (sync.md A7)."""
        self._project.request("POST", f"{_path(name)}/archive", subject=shown_name(name))

    def duplicate(self, name: str, new_name: str) -> Version:
        """Copy the latest version to a new skill."""
        answer = self._project.request(
            "POST",
            f"{_path(name)}/duplicate",
            json={"new_name": new_name},
            subject=shown_name(name),
        )
        return self._written(answer, new_name)

    def post_file(self, name: str, file: RemoteFile, *, base: int) -> Version:
        """Add one file as a new version on top of ``base``. Refused when the path is taken."""
        answer = self._project.request(
            "POST",
            f"{_path(name)}/files",
            json={
                "path": file.path,
                "content": file.text,
                "content_type": file.content_type,
                "base_version": base,
            },
            subject=shown_name(name),
        )
        return self._written(answer, name)

    def delete_file(self, name: str, path: str, *, base: int) -> Version:
        """Remove one file as a new version on top of ``base``."""
        answer = self._project.request(
            "DELETE",
            f"{_path(name)}/files/{_file_path(path)}",
            query=(("base_version", base),),
            subject=shown_name(name),
        )
        return self._written(answer, name)

    def rename_file(self, name: str, path: str, new_path: str, *, base: int) -> Version:
        """Rename one file as a new version on top of ``base``."""
        answer = self._project.request(
            "POST",
            f"{_path(name)}/files-rename",
            json={"old_path": path, "new_path": new_path, "base_version": base},
            subject=shown_name(name),
        )
        return self._written(answer, name)

    def _published(self, answer: Answer, payload: SkillPayload, *, number: int) -> Published:
        published = published_from(answer.json, payload=payload, number=number)
        self._note(answer)
        return replace(published, skill=self._seen(published.skill))

    def _written(self, answer: Answer, name: str) -> Version:
        """The version of an answer to a write; one that cannot be read leaves open what happened."""
        try:
            return version_from(answer.json, name=name)
        except BadAnswer as error:
            error.indeterminate = True
            raise

    def _note(self, answer: Answer) -> None:
        if isinstance(answer.json, dict):
            self.capabilities.note_skill(answer.json)

    def _get(self, name: str, *, number: int | None, more: Query) -> Answer:
        query = more if number is None else (*more, ("version", number))
        answer = self._project.request("GET", _path(name), query=query, subject=shown_name(name))
        self._note(answer)
        return answer

    def _detail(
        self, name: str, *, number: int | None, stored: StoredVersion | None = None
    ) -> tuple[dict[str, Json], Version]:
        """Read a detail with its whole body, page by page where the server insists.

        Where a version of this number is kept, only so much is asked for as tells whether it is that one.
        """
        if stored is not None and number is not None:
            answer = self._get(name, number=number, more=(("body_length", 1),))
            version = version_from(answer.json, name=name, number=number)
            value, kept = skill_reader(answer.json, name).value, _body_of(stored.fields, name)
            is_whole = value.get("body_total_length") in (None, len(kept))
            if is_whole and _is_same(stored.version, version):
                return {**value, "body": kept}, version
        answer = self._get(name, number=number, more=(("body_length", WHOLE_BODY),))
        version = version_from(answer.json, name=name, number=number)
        detail = dict(skill_reader(answer.json, name).value)
        body = [_body_of(detail, name)]
        total = detail.get("body_total_length")
        following = detail.get("body_next_offset")
        while following is not None:
            offset = sum(len(part) for part in body)
            if following != offset or not body[-1] or len(body) > _MOST_BODY_PAGES:
                raise _bad_body(name, "its pages do not follow each other")
            more: Query = (("body_offset", offset), ("body_length", WHOLE_BODY))
            answer = self._get(name, number=version.number, more=more)
            told = version_from(answer.json, name=name, number=version.number)
            page = skill_reader(answer.json, name).value
            if told.id != version.id or page.get("body_total_length") != total:
                raise _bad_body(name, "its pages are from different versions")
            body.append(_body_of(page, name))
            following = page.get("body_next_offset")
        whole = "".join(body)
        if total is not None and total != len(whole):
            raise _bad_body(name, f"{len(whole):,} characters came, {total} exist")
        return {**detail, "body": whole}, version

    def _resolve(
        self, name: str, *, number: int | None, since: int
    ) -> tuple[dict[str, Json], Version, Sequence[Version]]:
        """Read a detail together with the newest versions: here no server cuts the body (skills-api.md 1.2)."""
        most = _VERSIONS_PAGE if number is None else min(_VERSIONS_PAGE, max(1, number - since + 1))
        query: Query = (("limit", most),)
        if number is not None:
            query = (*query, ("version", number))
        answer = self._project.request(
            "GET",
            f"llm_skills/resolve/name/{_segment(name)}",
            query=query,
            subject=shown_name(name),
        )
        versions, _ = _versions_page(answer.json, name=name, before=None)
        skill = skill_reader(answer.json, name).value.get("skill")
        version = version_from(skill, name=name, number=number)
        detail = dict(skill_reader(skill, name).value)
        self.capabilities.note_skill(detail)
        body, total = _body_of(detail, name), detail.get("body_total_length")
        if detail.get("body_next_offset") is not None:
            raise _bad_body(name, "only a part of it was sent")
        if total is not None and total != len(body):
            raise _bad_body(name, f"{len(body):,} characters came, {total} exist")
        return detail, version, versions

    def _file(self, version: Version, entry: ManifestEntry) -> RemoteFile:
        """Read one file of that very version: reads are not snapshots otherwise (skills-api.md 9)."""
        subject = shown_name(version.name)
        answer = self._project.request(
            "GET",
            f"{_path(version.name)}/files/{_file_path(entry.path)}",
            query=(("version", version.number),),
            cap=_FILE_CAP,
            subject=subject,
        )
        return file_from(answer.json, entry, name=version.name)


def _wish(one: Wanted, listed: Version | None) -> Wish:
    return Wish(*one, listed.id if listed else "")


def _is_same(kept: Version, told: Version) -> bool:
    """Tell whether the server speaks of the version that is kept: an id is of one version, for ever."""
    return (kept.id, kept.number, kept.first) == (told.id, told.number, told.first)


def _versions_page(value: Json, *, name: str, before: int | None) -> tuple[Sequence[Version], bool]:
    """Read a page of versions: strictly falling, below ``before``, all of the incarnation that ``skill`` names."""
    read = skill_reader(value, name)
    skill = version_from(read.value.get("skill"), name=name)
    page = [version_from(item, name=name, first=skill.first) for item in read.items("versions")]
    limit = before
    for version in page:
        if limit is not None and version.number >= limit:
            read.bad("lists versions out of order")
        limit = version.number
    return page, read.value.get("has_more") is True


def _body_of(detail: Mapping[str, Json], name: str) -> str:
    body = detail.get("body")
    if not isinstance(body, str):
        raise _bad_body(name, "there is none")
    return body


def _bad_body(name: str, why: str) -> BadAnswer:
    return BadAnswer(
        f"skill {shown_name(name)}: the body did not arrive whole: {why}", subject=shown_name(name)
    )


def _path(name: str) -> str:
    return f"llm_skills/name/{_segment(name)}"


def _segment(name: str) -> str:
    if name in {"", ".", ".."}:
        raise BadAnswer(f"{name!r} cannot be the name of a skill")
    return quote(name, safe="")


def _file_path(path: str) -> str:
    """Percent-encode a path; a dot segment would be resolved on the way and reach another endpoint."""
    if {"", ".", ".."} & set(path.split("/")):
        raise BadAnswer("a file path with empty or dot segments is never asked for")
    return quote(path, safe="/")
