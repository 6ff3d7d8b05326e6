"""What differs between the dialects that the server can speak: limits, names and texts, as one value each."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Dialect:
    """One generation of the API. Lengths in characters unless the name says bytes."""

    name: str
    max_files: int
    max_description: int
    reserved_names: frozenset[str]

    def reserved_name_text(self, value: str) -> str:
        """The refusal of a reserved name; the seed always quotes ``new`` (skills-api.md 2.4)."""
        shown = "new" if self.name == "seed" else value
        return f"'{shown}' is a reserved name and cannot be used."

    def skill_not_found(self, name: str) -> dict[str, object]:
        """The whole body of a 404 for a skill or one of its versions (skills-api.md 8)."""
        return {"detail": f"Skill with name '{name}' not found."}

    def too_many_files(self) -> str:
        """Validation text for a list with too many files."""
        return f"A skill may contain at most {self.max_files} files."

    def skill_is_full(self) -> str:
        """Text for one more file than a skill may have (skills-api.md 5)."""
        return f"Skill has reached the maximum of {self.max_files} files."


SEED = Dialect(
    name="seed",
    max_files=50,
    max_description=4096,
    reserved_names=frozenset({"new"}),
)
"""Generation B of the skills API (skills-api.md 0) and G1 of the datasets API (datasets-api.md 2)."""

DIALECTS = {SEED.name: SEED}
