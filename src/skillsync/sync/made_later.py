"""Tells whether a version may have been made from a commit that HEAD does not contain, which went back to an old text."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from skillsync.repo.pushed import find_pushed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from skillsync.model import Digest
    from skillsync.sync.workspace import Workspace


@dataclass
class MadeLater:
    """Looks beyond HEAD in team mode along the publish branch, else at every ref, stash and reflog, and at what was
    published without a commit.

    Own publishes without a marker are recognised by a content that HEAD's history has. A revert has such a content,
    too: where one stands beyond HEAD, the version may be its publish, and HEAD's text is what it undid.
    """

    workspace: Workspace
    _beyond: dict[str, Sequence[str]] = field(default_factory=dict)

    def went_back_to(
        self, directory: str, digest: Digest, digest_at: Callable[[str], Digest | None]
    ) -> bool:
        """Tell whether a commit beyond HEAD has this content, and nothing in HEAD's history since they parted.

        ``digest_at`` gives the object's digest in a commit. Raises ShallowClone when history is cut off.
        """
        return any(
            digest_at(commit) == digest and not self._is_here(directory, commit, digest, digest_at)
            for commit in self._commits(directory)
        )

    def _is_here(
        self,
        directory: str,
        commit: str,
        digest: Digest,
        digest_at: Callable[[str], Digest | None],
    ) -> bool:
        repo, head = self.workspace.repo, self._head
        assert head is not None
        since_then = repo.history.commits_touching(directory, head=head, since=commit)
        return any(
            digest_at(one) == digest for one in (*repo.merge_bases(commit, head), *since_then)
        )

    def _commits(self, directory: str) -> Sequence[str]:
        if directory not in self._beyond:
            self._beyond[directory] = self._find(directory)
        return self._beyond[directory]

    def _find(self, directory: str) -> Sequence[str]:
        repo, head = self.workspace.repo, self._head
        if head is None:
            return ()
        if not self.workspace.is_team:
            pushed = find_pushed(repo, directory)
            found = repo.history.commits_elsewhere([directory], head=head)
            return [*([pushed] if pushed else []), *found]
        if self._tip in {None, head}:
            return ()
        assert self._tip is not None
        return repo.history.commits_touching(directory, head=self._tip, since=head)

    @property
    def _head(self) -> str | None:
        return self.workspace.history.head

    @cached_property
    def _tip(self) -> str | None:
        branch = self.workspace.settings.publish_branch
        upstream = self.workspace.repo.upstream_of(branch) if branch else None
        return self.workspace.repo.commit_id(upstream) if upstream else None
