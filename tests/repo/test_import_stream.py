"""What goes into git says the same in every clone, whatever a server calls its people and files."""

from __future__ import annotations

from skillsync.repo.import_stream import data_block, file_lines, person_line, unix_seconds


def test_an_author_who_is_gone_or_odd_breaks_no_commit() -> None:
    assert person_line("", "2026-08-01T10:00:00Z") == "unknown <> 1785578400 +0000"
    assert person_line("A <b>\nc@x", "").startswith("A bc@x <A bc@x> ")


def test_a_time_that_is_none_is_the_beginning() -> None:
    assert [unix_seconds(text) for text in ("", "soon", "1969-01-01T00:00:00Z")] == [0, 0, 0]
    same = ("2026-08-01T10:00:00.9Z", "2026-08-01T12:00:00+02:00", "2026-08-01T10:00:00")
    assert {unix_seconds(text) for text in same} == {1785578400}


def test_a_file_in_the_place_of_a_folder_is_left_out() -> None:
    lines = file_lines({"a": b"1", "a/b": b"2", 'c "d\\': b"3"})
    assert lines[::2] == [b'M 100644 inline "a/b"\n', b'M 100644 inline "c \\"d\\\\"\n']
    assert lines[1::2] == [data_block(b"2"), data_block(b"3")]
    assert data_block(b"2") == b"data 1\n2\n"
