"""How much the newer datasets may hold (datasets-api.md 3.5)."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace


@dataclass(frozen=True, slots=True)
class Quota:
    """Counts, archived ones included; ``bytes`` of one item's payload."""

    datasets: int = 20
    items: int = 5000
    versions: int = 40
    bytes: int = 40_000


def parse_quota(settings: tuple[str, ...]) -> Quota:
    """The quota with changes such as ``items=100``; ValueError names what cannot be read."""
    quota = Quota()
    names = [field.name for field in fields(Quota)]
    for setting in settings:
        name, equals, number = setting.partition("=")
        is_count = number.isascii() and number.isdigit() and len(number) < 10 and int(number) > 0
        if name not in names or not equals or not is_count:
            known = ", ".join(f"{known}=N" for known in names)
            raise ValueError(f"{setting!r} is no quota: use {known} with N from 1")
        quota = replace(quota, **{name: int(number)})
    return quota
