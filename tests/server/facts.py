"""Shapes that several server tests expect or send."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import httpx

JSON = {"Content-Type": "application/json"}


def invalid(code: str, attr: str | None, detail: str) -> dict[str, Any]:
    """The envelope of a validation error."""
    return {"type": "validation_error", "code": code, "detail": detail, "attr": attr}


def refused(code: str, detail: str) -> dict[str, Any]:
    """The envelope of a 401 or 403."""
    return {"type": "authentication_error", "code": code, "detail": detail, "attr": None}


def missing(detail: str = "Not found.") -> dict[str, Any]:
    """The envelope of a 404."""
    return {"type": "invalid_request", "code": "not_found", "detail": detail, "attr": None}


def a_file(path: str = "a.md", content: str = "text") -> dict[str, str]:
    return {"path": path, "content": content}


def a_skill(name: str = "greet", **fields: Any) -> dict[str, Any]:
    """The least that makes a skill."""
    return {"name": name, "description": "Says hello.", "body": "# Greet", **fields}


def create(client: httpx.Client, name: str = "greet", **fields: Any) -> dict[str, Any]:
    """A skill made through the API; its detail."""
    answer = client.post("llm_skills", json=a_skill(name, **fields))
    assert answer.status_code == 201, answer.text
    detail: dict[str, Any] = answer.json()
    return detail


def publish(
    client: httpx.Client, name: str = "greet", /, *, base: int, **changes: Any
) -> dict[str, Any]:
    """The next version; its detail."""
    answer = client.patch(f"llm_skills/name/{name}", json={"base_version": base, **changes})
    assert answer.status_code == 200, answer.text
    detail: dict[str, Any] = answer.json()
    return detail


def error(answer: httpx.Response, status: int) -> Any:
    """The body of an error of this status."""
    assert answer.status_code == status, answer.text
    return answer.json()


def paths(detail: dict[str, Any]) -> list[str]:
    return [file["path"] for file in detail["files"]]
