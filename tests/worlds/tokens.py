"""What really happened to a text: each value of a slot carries who had seen what, unseen by the engine (sync.md 5.4).

A slot is one line that people replace by values nobody used before. A token is a value at one place of the history and
the set of tokens that its author had before them, directly or through a merge.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count


@dataclass(frozen=True, slots=True, eq=False)
class Token:
    """``is_picked``: it came without its history, which git does not know either (5.4, last lines)."""

    value: str
    past: frozenset[Token]
    number: int
    is_picked: bool = False

    @property
    def known(self) -> frozenset[Token]:
        """What somebody knows who has this before them."""
        return self.past | {self}


@dataclass(slots=True)
class Tokens:
    """Makes the tokens of one world, in the order of their making."""

    _numbers: count[int] = field(default_factory=count)

    def first(self, value: str) -> Token:
        """A value that replaces nothing."""
        return Token(value, frozenset(), next(self._numbers))

    def edit(self, before: Token, value: str) -> Token:
        """Somebody replaces what is before them."""
        return Token(value, before.known, next(self._numbers), before.is_picked)

    def forget(self, token: Token) -> Token:
        """The commit of what it replaced was rewritten: to git it is as if it had been picked."""
        return Token(token.value, token.known, next(self._numbers), is_picked=True)

    def join(self, one: Token, other: Token, value: str, *, is_picked: bool = False) -> Token:
        """Two values meet, and this one stands afterwards; whoever reads it has both behind them."""
        picked = is_picked or one.is_picked or other.is_picked
        return Token(value, one.known | other.known, next(self._numbers), picked)

    def meet(self, here: Token, there: Token, value: str) -> Token:
        """The same, but where one side has the other behind it already it simply stands."""
        if value == here.value and (there is here or there in here.past):
            return here
        if value == there.value and here in there.past:
            return there
        return self.join(here, there, value)

    def pick(self, before: Token, there: Token, here: Token, value: str) -> Token:
        """One commit's change, from ``before`` to ``there``, is put upon ``here``."""
        if value == here.value and there.value in (before.value, here.value):
            return here
        return self.join(here, there, value, is_picked=True)


def agreed(one: Token, other: Token) -> str | None:
    """The value that both last had in common, None without any."""
    common = one.known & other.known
    return max(common, key=lambda token: token.number).value if common else None


def is_in(remote: Token, published: Token) -> bool:
    """Tell whether what replaces ``remote`` was made by somebody who had it, or it had changed nothing."""
    return (
        remote in published.known
        or remote.value == published.value
        or agreed(remote, published) == remote.value
    )


def is_lost(local: Token, remote: Token, value: str) -> bool:
    """Tell whether a merge that says nothing of a conflict drops one side's change by giving this value."""
    if local.value == remote.value == value:
        return False
    if value == remote.value:
        return remote in local.past or (
            local not in remote.past and local.value != agreed(local, remote)
        )
    if value == local.value:
        return local in remote.past or (
            remote not in local.past and remote.value != agreed(local, remote)
        )
    return True
