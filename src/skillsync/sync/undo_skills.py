"""Takes back what a push did to skills: the predecessor is published again, an archived one made again."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from skillsync.api.payload import skill_payload
from skillsync.core.reconcile_skill import Absence, BaseFact
from skillsync.errors import NotFound, RemoteError, UsageError
from skillsync.formats.canonical import skill_digest
from skillsync.formats.skill_folder import read_skill
from skillsync.model import Digest, Entry, Folder, RemoteSkill, Version
from skillsync.repo.rescue import Rescue
from skillsync.sync.describe import version_words
from skillsync.sync.local import LocalSkill
from skillsync.sync.push_record import Written, keep_copy
from skillsync.sync.push_skills import PushOptions, SkillPush
from skillsync.sync.report import Kind, Outcome, Report
from skillsync.sync.show import lay_out
from skillsync.sync.skill_view import SkillSurvey, SkillView
from skillsync.sync.undo_pointers import UndoPointers
from skillsync.sync.watched import WriteKind

if TYPE_CHECKING:
    from skillsync.config import Target
    from skillsync.sync.workspace import Remote, Workspace
    from skillsync.sync.writing import Writer


SKILL_WRITES = {
    WriteKind.PUBLISH,
    WriteKind.CREATE_SKILL,
    WriteKind.RENAME_SKILL,
    WriteKind.ARCHIVE,
}


@dataclass
class _PredecessorPush(SkillPush):
    """A publish of a version's predecessor, with the outcome rules of every publish; the files stay as they are."""

    published: list[tuple[Version, Digest]] = field(default_factory=list)

    def _write_pointer(self, view: SkillView, version: Version, digest: Digest) -> None:  # noqa: ARG002
        self.published.append((version, digest))


@dataclass
class SkillUndo:
    """One undo's work on skills. ``archive``: names of creations that the user wants archived.

    ``made`` collects the ids of the versions that it published, by skill; ``ours`` are the ids of all versions that
    the push and its undo made.
    """

    workspace: Workspace
    target: Target
    remote: Remote
    writer: Writer
    pointers: UndoPointers
    archive: frozenset[str]
    dry_run: bool
    made: dict[str, str] = field(default_factory=dict)
    ours: set[str] = field(default_factory=set)

    def one(self, written: Written) -> tuple[Outcome, bool]:
        """Take one write back. Returns the outcome, and whether nothing is left to undo of it."""
        match written.write.kind:
            case WriteKind.PUBLISH:
                return self._published(written)
            case WriteKind.CREATE_SKILL:
                return self._created(written)
            case WriteKind.RENAME_SKILL:
                return self._renamed(written)
            case _:
                return self._archived(written)

    # ------------------------------------------------------------ a publish

    def _published(self, written: Written) -> tuple[Outcome, bool]:
        name, base = written.write.name, written.write.base
        try:
            latest = self.remote.skills.read(name)
        except NotFound:
            return gone(Kind.SKILL, name), False
        if not written.done and latest.version.number == base:
            return _said(name, f"the publish was never stored, v{base} is the latest"), True
        if not self._is_ours(written, latest):
            return self.blocked(name, latest.version), False
        return self.take_back(latest, base)

    def _is_ours(self, written: Written, latest: RemoteSkill) -> bool:
        """The latest is what the push stored; where it got no answer, the next version by our own account is."""
        if written.done:
            return latest.version.id == written.id
        is_next = latest.version.number == written.write.base + 1
        same = latest.version.first == written.write.first
        return is_next and same and self.remote.is_own(latest.version.author)

    def take_back(self, latest: RemoteSkill, base: int) -> tuple[Outcome, bool]:
        """Publish version ``base`` again, over ``latest``, which is our own."""
        name = latest.version.name
        place = self._place(name)
        before = self.remote.skills.read(name, number=base)
        # As they are seen here: what git ignores is neither part of a digest nor written, and carried on (F22).
        latest, before = self.workspace.aside.put_aside([(*place, latest), (*place, before)])
        if before.version.first != latest.version.first:
            return self.blocked(name, latest.version), False
        if before.content == latest.content:
            return _said(name, f"v{latest.version.number} says what v{base} said"), True
        words = f"v{latest.version.number} taken back"
        if self.dry_run:
            return _said(name, f"would publish the content of v{base} again: {words}"), False
        return self._send(latest, before, words)

    def _place(self, name: str) -> tuple[str, Folder | None]:
        """Return where a skill is, or would be, and what is there."""
        local = self._local(name)
        if local is not None:
            return local.dir, local.folder
        return f"{self.workspace.settings.skills[0]}/{name}", None

    def _local(self, name: str) -> LocalSkill | None:
        return next((one for one in self.pointers.tree.skills if one.name == name), None)

    def _send(self, latest: RemoteSkill, before: RemoteSkill, words: str) -> tuple[Outcome, bool]:
        name, version = latest.version.name, latest.version
        shown = lay_out(before, None)
        folder = Folder(self._place(name)[0], shown.folder.entries)
        report = Report("undo", self.target.name)
        push = _PredecessorPush(
            self.workspace,
            self.target,
            self.remote,
            self.writer,
            PushOptions(writes_pointer=True),
            report,
        )
        base = BaseFact(version.number, version.id, version.first, skill_digest(latest.content))
        view = SkillView(
            name,
            folder.dir,
            local=LocalSkill(folder, self.target.carry),
            base=base,
            pointed=base,
            version=version,
            absence=Absence.PRESENT,
        )
        push.run(SkillSurvey({name: view}, [], listed=True))
        if not push.published:
            return (report.outcomes or [_said(name, "nothing differs")])[0], not report.outcomes
        now, digest = push.published[0]
        self.made[name] = now.id
        self.ours.add(now.id)
        counted = self.pointers.skill(name, version.id, now, digest)
        local = self._local(name)
        is_edit = counted and local is not None and local.digest != digest
        return (
            Outcome(
                Kind.SKILL,
                name,
                f"{words}: v{now.number} has the content of v{before.version.number}",
                state="undone",
                changed=True,
                message="your files keep the edit, unpublished" if is_edit else "",
            ),
            True,
        )

    def blocked(self, name: str, latest: Version) -> Outcome:
        """Say that a version is there that the push did not make."""
        return Outcome(
            Kind.SKILL,
            name,
            "not undone: something newer is there",
            state="moved on",
            exit=3,
            code="E-REMOTE-AHEAD",
            message=version_words(latest, now=self.writer.clock.now()),
            fix=f"skillsync log {name}; skillsync pull {name}, then skillsync restore {name} --version N",
        )

    # ------------------------------------------------------------ a creation

    def _created(self, written: Written) -> tuple[Outcome, bool]:
        name = written.write.name
        try:
            latest = self.remote.skills.read(name)
        except NotFound:
            return _said(name, "is not on the server any more"), True
        is_own = self.remote.is_own(latest.version.author) and latest.version.number == 1
        if latest.version.id != written.id and (written.done or not is_own):
            return self.blocked(name, latest.version), False
        if name not in self.archive:
            return pending(Kind.SKILL, name), False
        if self.dry_run:
            return _said(name, "would be archived: the push created it"), False
        keep_copy(self.workspace, latest, self.writer.clock)
        now = self.remote.skills.head(
            name
        )  # not compare-and-set, so look right before (sync.md 5.6)
        if now.id != latest.version.id:
            return self.blocked(name, now), False
        self.remote.skills.archive(name)
        self.pointers.skill(name, latest.version.id, None, Digest(""))
        did = "archived: the push had created it (a rescue copy is kept)"
        return Outcome(Kind.SKILL, name, did, state="undone", changed=True), True

    # ------------------------------------------------------------ a rename

    def _renamed(self, written: Written) -> tuple[Outcome, bool]:
        """Give a skill its old name again, while its latest version is one that the push or this undo made.

        The call takes no base, so this looks right before (sync.md A7, 5.6).
        """
        old, new = written.write.name, written.write.key
        ours = {written.text("id"), *self.ours}
        try:
            latest = self.remote.skills.head(new)
        except NotFound:
            with suppress(NotFound):
                if self.remote.skills.head(old).id in ours:
                    return _said(new, f"is called {old} on the server"), True
            return gone(Kind.SKILL, new), False
        if latest.id not in ours:
            return self.blocked(new, latest), False
        if self.dry_run:
            return _said(new, f"would be renamed back to {old}"), False
        try:
            self.remote.skills.rename(new, old)
        except RemoteError as error:
            if error.reason == "unique":
                return self._taken(new, f"the name {old} is taken", self.remote.skills.head(old))
            raise
        is_here = self._local(new) is not None
        message = f"your files still call it {new}: skillsync pull {new} renames it here, too"
        return (
            Outcome(
                Kind.SKILL,
                new,
                f"renamed back to {old}",
                state="undone",
                changed=True,
                message=message if is_here else "",
            ),
            True,
        )

    def _taken(self, name: str, why: str, other: Version, fix: str = "") -> tuple[Outcome, bool]:
        """Say that another skill bears the name that is needed; nothing of it is touched."""
        return (
            Outcome(
                Kind.SKILL,
                name,
                f"not undone: {why}",
                state="name taken",
                exit=3,
                code="E-REMOTE-AHEAD",
                message=f"another skill: {version_words(other, now=self.writer.clock.now())}",
                fix=fix or f"skillsync log {other.name}",
            ),
            False,
        )

    # ------------------------------------------------------------ an archive

    def _archived(self, written: Written) -> tuple[Outcome, bool]:
        name = written.write.name
        try:
            latest = self.remote.skills.head(name)
        except NotFound:
            return self._recreate(written)
        if not written.done and latest.number == written.old.get("version"):
            return _said(name, "it was never archived"), True
        return self._made_anew(written, latest)

    def _made_anew(self, written: Written, other: Version) -> tuple[Outcome, bool]:
        """Its name is another skill's by now, whose history has none of its versions: the copy is what there is."""
        copy = written.text("rescue")
        fix = (
            f"skillsync rescue restore {copy}, give it another name in its SKILL.md, then skillsync push"
            if copy
            else ""
        )
        return self._taken(written.write.name, "its name is taken", other, fix)

    def _recreate(self, written: Written) -> tuple[Outcome, bool]:
        name = written.write.name
        folder = self._rescued(written)
        if folder is None:
            return (
                Outcome(
                    Kind.SKILL,
                    name,
                    "not undone: the rescue copy is gone",
                    state="lost copy",
                    exit=1,
                    code="E-NOT-FOUND",
                    fix=f"git log --diff-filter=D -- {written.text('root')} finds the commit that has it",
                ),
                False,
            )
        if self.dry_run:
            return _said(name, "would be created again from its rescue copy as v1"), False
        payload = skill_payload(read_skill(folder, carry=self.target.carry), previous=None)
        try:
            published = self.remote.skills.create(payload)
        except RemoteError as error:
            if error.reason == "unique":
                return self._made_anew(written, self.remote.skills.head(name))
            raise
        did = f"created again as v{published.version.number} from its rescue copy"
        message = "its history starts again: the versions before are gone from the server"
        return Outcome(Kind.SKILL, name, did, state="undone", changed=True, message=message), True

    def _rescued(self, written: Written) -> Folder | None:
        copy, root = written.text("rescue"), written.text("root")
        listed = written.old.get("executable")
        executable = {str(path) for path in listed} if isinstance(listed, list) else set()
        rescue = Rescue(self.workspace.repo)
        try:
            files = rescue.files(copy)
            entries = []
            for file in files:
                path = file.path.removeprefix(f"{root}/")
                data = rescue.show(copy, file.path)
                entries.append(Entry(path, data, len(data), executable=path in executable))
        except UsageError:
            return None
        return Folder(root, tuple(sorted(entries, key=lambda entry: entry.path)))


def _said(name: str, did: str) -> Outcome:
    return Outcome(Kind.SKILL, name, did, state="undo")


def gone(kind: Kind, name: str) -> Outcome:
    """Say that what was published is not on the server any more, so that nothing can be taken back."""
    return Outcome(
        kind,
        name,
        "not undone: it is gone from the server",
        state="gone",
        exit=4,
        code="E-NOT-FOUND",
        fix="skillsync status",
    )


def pending(kind: Kind, name: str) -> Outcome:
    """A creation is taken back by a removal, and removals go by name only (design.md 6)."""
    return Outcome(
        kind,
        name,
        "was created by the push; it stays unless you name it",
        state="pending removal",
        code="N-PENDING-REMOVAL",
        fix=f"skillsync undo --archive {name}",
    )
