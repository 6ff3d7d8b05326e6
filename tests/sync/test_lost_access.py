"""A key that may not see datasets: what can be done without, and what is said of a run that it ends."""

from __future__ import annotations

from json import dumps
from pathlib import Path

import httpx
import pytest

from skillsync.errors import NotAllowed
from tests.sync.harness import Clone, Live, Requests

BOTH_DIALECTS = True


def no_datasets(clone: Clone) -> Requests:
    """Answer every question about datasets with 403, as for a key of skills alone."""
    assert clone.requests is not None

    def refuse(request: httpx.Request, response: httpx.Response) -> httpx.Response:
        if "/datasets" not in request.url.path:
            return response
        body = {
            "type": "authentication_error",
            "code": "permission_denied",
            "detail": "API key missing required scope 'dataset:read'",
            "attr": None,
        }
        kind, stream = {"content-type": "application/json"}, httpx.ByteStream(dumps(body).encode())
        return httpx.Response(403, headers=kind, stream=stream)

    clone.requests.after = refuse
    return clone.requests


@pytest.fixture
def linked(solo: Clone) -> Clone:
    solo.skill("alpha")
    solo.skill("beta")
    assert solo.push().exit == 0
    solo.commit("published")
    return solo


def test_a_target_without_datasets_asks_for_none(linked: Clone, live: Live) -> None:
    path: Path = linked.path / "skillsync.toml"
    seen = no_datasets(linked)
    with pytest.raises(NotAllowed) as caught:
        linked.status()
    assert "datasets = [] below [targets.local]" in caught.value.hint
    path.write_text(path.read_text() + "datasets = []\n")
    linked.commit("skills alone")
    live.edit_body("alpha", "Step one.", "Step 1.")
    seen.made.clear()
    assert not linked.status().is_clean
    assert linked.pull().exit == 0
    assert linked.conflicts() == []
    assert linked.push().exit == 0
    assert linked.status().is_clean
    assert not any("/datasets" in url for _, url in seen.made)


def test_a_pull_that_ends_early_names_the_conflict_that_it_left(linked: Clone, live: Live) -> None:
    live.edit_body("alpha", "Step one.", "Step 1.")
    live.edit_body("beta", "Step one.", "Step 1.")
    linked.replace("skills/alpha/SKILL.md", "Step one.", "Step I.")
    no_datasets(linked)
    with pytest.raises(NotAllowed) as caught:
        linked.pull()
    assert "alpha, beta (in conflict: skillsync conflicts alpha)" in caught.value.unchanged
