"""A skill as the SKILL.md that the platform renders (skills-api.md 10.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from skillsync.server.models import Skill


def frontmatter_of(skill: Skill) -> dict[str, Any]:
    """The parsed frontmatter; ``metadata.version`` is the platform's version, every value text."""
    block: dict[str, Any] = {"name": skill.name, "description": skill.description}
    if skill.license:
        block["license"] = skill.license
    if skill.compatibility:
        block["compatibility"] = skill.compatibility
    metadata = {str(key): str(value) for key, value in skill.metadata.items()}
    block["metadata"] = {**metadata, "version": str(skill.version)}
    if skill.allowed_tools:
        block["allowed-tools"] = " ".join(skill.allowed_tools)
    return block


def skill_md(skill: Skill) -> str:
    """The whole file: frontmatter, one empty line, the body as stored."""
    block = yaml.safe_dump(
        frontmatter_of(skill), sort_keys=False, allow_unicode=True, default_flow_style=False
    )
    return f"---\n{block}---\n\n{skill.body}"
