"""Says of a run that an error ended what had been done by then, and that nothing else was (design.md 6)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING

from skillsync.errors import RemoteError, SkillsyncError

if TYPE_CHECKING:
    from skillsync.model import RemoteRow
    from skillsync.sync.watched import Answered, Write
    from skillsync.sync.workspace import Remote
    from skillsync.sync.writing import Writer

_MOST_NAMES = 5


class Counter:
    """Looks on at the writes of a run and counts those that the server has accepted."""

    def __init__(self) -> None:
        self._lock = Lock()
        self.accepted = 0

    def seen_row(self, row: RemoteRow) -> None:
        """Nothing is counted."""

    def before(self, write: Write, remote: Remote) -> None:
        """Nothing is counted, nothing refused."""

    def after(self, write: Write, answer: Answered) -> None:  # noqa: ARG002
        """Count it; rows are written from several threads at once."""
        with self._lock:
            self.accepted += 1


@contextmanager
def says_what_was_done(writer: Writer, accepted: Callable[[], int] = lambda: 0) -> Iterator[None]:
    """Give an error that ends the run, and does not say what it left as it was, the words for it.

    ``accepted`` returns how many writes the server has accepted by now.
    """
    try:
        yield
    except SkillsyncError as error:
        if not error.unchanged:
            is_in_doubt = isinstance(error, RemoteError) and error.indeterminate
            error.unchanged = what_was_not_changed(
                accepted(),
                list(dict.fromkeys(writer.written)),
                conflicts=writer.conflicts,
                is_in_doubt=is_in_doubt,
            )
        raise


def what_was_not_changed(
    accepted: int, written: Sequence[str], *, conflicts: Sequence[str] = (), is_in_doubt: bool
) -> str:
    """Return what an ended run left as it was, as a sentence.

    ``written`` are the objects written here, ``conflicts`` those of them that wait for a person now.
    """
    done = []
    if accepted:
        done.append(f"{accepted} {'write' if accepted == 1 else 'writes'} that the server accepted")
    if written:
        more = f" and {len(written) - _MOST_NAMES} more" if len(written) > _MOST_NAMES else ""
        open_ones = (
            f" (in conflict: skillsync conflicts {' '.join(conflicts)})" if conflicts else ""
        )
        done.append(f"the files here of {', '.join(written[:_MOST_NAMES])}{more}{open_ones}")
    if is_in_doubt:
        done.append("perhaps the write that got no answer (the next run looks before it sends it)")
    return (
        f"Everything but {', and '.join(done)}." if done else "Nothing was changed on either side."
    )
