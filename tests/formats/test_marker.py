"""The marker at the end of a version's description: what is written can be read, and nothing else is taken for it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillsync.formats.marker import (
    LIMIT,
    Mangled,
    Marker,
    read_marker,
    short_digest,
    without_marker,
    words_of,
    write_marker,
)

COMMIT, DIGEST, NONCE = "c0ffee" + "0" * 34, "9c1e" + "0" * 12, "0badf00d"
EDGE = f"[skillsync:1 c={COMMIT} d={DIGEST} n={NONCE}]"
WHOLE = Marker(NONCE, COMMIT, DIGEST)

hexes = st.text("0123456789abcdef", min_size=8, max_size=8)
markers = st.one_of(
    st.builds(Marker, hexes),
    st.builds(
        Marker,
        hexes,
        st.sampled_from([40, 64]).flatmap(
            lambda size: st.text("0123456789abcdef", min_size=size, max_size=size)
        ),
        st.text("0123456789abcdef", min_size=16, max_size=16),
    ),
)


@given(markers, st.text(max_size=600))
def test_what_is_written_is_read_and_fits(marker: Marker, words: str) -> None:
    description = write_marker(marker, words)
    assert len(description) <= LIMIT
    assert description == description.strip(), "the server trims: nothing of it may be lost"
    assert not set(description) & {"\0", "\n", "\r"}
    description.encode()
    assert read_marker(description) == marker


@given(markers, st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=600))
def test_the_words_survive_up_to_their_cut(marker: Marker, words: str) -> None:
    said = without_marker(write_marker(marker, words))
    assert said == words or (said.endswith("…") and words.startswith(said[:-1]))


@given(markers, st.text(max_size=60), st.integers(0, 500))
def test_a_description_that_was_cut_proves_nothing(marker: Marker, words: str, at: int) -> None:
    description = write_marker(marker, words)
    cut = description[:at].strip()
    if cut != description:
        assert not isinstance(read_marker(cut), Marker)


@given(markers, st.data())
def test_a_marker_with_one_other_character_is_none_or_says_something_else(
    marker: Marker, data: st.DataObject
) -> None:
    token = marker.token
    at = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.characters(exclude_characters=token[at]))
    assert read_marker(token[:at] + other + token[at + 1 :]) != marker


@given(st.text(max_size=500))
def test_any_description_can_be_read(description: str) -> None:
    found = read_marker(description)
    assert found is None or "[skillsync:" in description
    without_marker(description)


@pytest.mark.parametrize(
    ("description", "found"),
    [
        (f"Merge #123: shorten triage steps {EDGE}", WHOLE),
        (EDGE, WHOLE),
        (f"  words {EDGE} \n", WHOLE),
        (f"[skillsync:1 n={NONCE}]", Marker(NONCE)),
        (f"two {EDGE} [skillsync:1 n={NONCE}]", Marker(NONCE)),
        ("", None),
        (None, None),
        ("skillsync:1 without a bracket", None),
    ],
)
def test_the_last_token_counts(description: str | None, found: Marker | None) -> None:
    assert read_marker(description) == found


@pytest.mark.parametrize(
    "description",
    [
        f"{EDGE} and then somebody wrote on",
        f"glued{EDGE}",
        f"[skillsync:1 c={COMMIT[:12]} d={DIGEST} n={NONCE}]",
        f"[skillsync:1 c={COMMIT.upper()} d={DIGEST} n={NONCE}]",
        f"[skillsync:1 c={COMMIT} n={NONCE}]",
        f"[skillsync:1 d={DIGEST} n={NONCE}]",
        f"[skillsync:1 c={COMMIT} d={DIGEST} n=123]",
        f"[skillsync:1 n={NONCE} ]",
        f"[skillsync:1 c={COMMIT}0 d={DIGEST} n={NONCE}]",
        f"[skillsync:2 c={COMMIT} d={DIGEST} n={NONCE}]",
        "[skillsync:1]",
        "[skillsync:",
    ],
)
def test_what_only_looks_like_a_marker_is_reported(description: str) -> None:
    assert isinstance(read_marker(description), Mangled)


def test_another_format_is_named() -> None:
    found = read_marker("words [skillsync:7 whatever=1]")
    assert isinstance(found, Mangled)
    assert "format 7" in found.why


@pytest.mark.parametrize(
    "marker",
    [
        Marker("short"),
        Marker(NONCE, COMMIT[:7], DIGEST),
        Marker(NONCE, COMMIT, None),
        Marker(NONCE, COMMIT, "x" * 16),
        Marker(NONCE, None, DIGEST),
    ],
)
def test_a_marker_that_could_not_be_read_again_is_never_written(marker: Marker) -> None:
    with pytest.raises(ValueError, match="is no marker"):
        write_marker(marker, "words")


def test_a_digest_is_named_by_its_first_digits() -> None:
    assert short_digest("canon:1:sha256:" + "ab" * 32) == "ab" * 8


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ("Shorten triage steps (#123)\n\nLonger.", "Shorten triage steps (#123)"),
        ("Merge pull request #123 from a/b\n\nShorten triage steps\n", "Merge #123: Shorten triage steps"),
        ("Merge pull request #123 from a/b", "Merge #123"),
        (
            "Merge branch 'x' into 'main'\n\nShorten triage steps\n\nSee merge request grp/proj!7",
            "Merge !7: Shorten triage steps",
        ),
        ("Merge branch 'x' into 'main'\n\nSee merge request grp/proj!7", "Merge branch 'x' into 'main'"),
        ("Merge branch 'x'", "Merge branch 'x'"),
        ("\n\n  first words \n", "first words"),
        ("", ""),
    ],
)  # fmt: skip
def test_people_read_what_was_merged(message: str, words: str) -> None:
    assert words_of(message) == words
