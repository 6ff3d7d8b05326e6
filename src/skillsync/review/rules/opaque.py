"""Rules O: files that nobody can review."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from hashlib import sha256

from skillsync.model import Entry
from skillsync.review.rules.model import Hit, Subject
from skillsync.review.skill_changes import kind_of, shown_path

_ARCHIVES = (
    ".zip",
    ".tar",
    ".gz",
    ".tgz",
    ".bz2",
    ".xz",
    ".7z",
    ".rar",
    ".jar",
    ".whl",
    ".zst",
    ".skill",
)
_PROGRAMS = (
    ".pyc",
    ".pyo",
    ".class",
    ".so",
    ".dylib",
    ".dll",
    ".exe",
    ".wasm",
    ".o",
    ".a",
    ".node",
    ".bin",
)
_MAGIC = (
    (b"PK\x03\x04", "O-ARCHIVE"),
    (b"\x1f\x8b", "O-ARCHIVE"),
    (b"7z\xbc\xaf\x27\x1c", "O-ARCHIVE"),
    (b"\x7fELF", "O-BYTECODE"),
    (b"MZ", "O-BYTECODE"),
    (b"\xca\xfe\xba\xbe", "O-BYTECODE"),
    (b"\xcf\xfa\xed\xfe", "O-BYTECODE"),
    (b"\x00asm", "O-BYTECODE"),
)
_TWINS = {
    ".js": (".ts", ".tsx", ".coffee"),
    ".min.js": (".js", ".ts"),
    ".min.css": (".css", ".scss"),
    ".mjs": (".mts",),
    ".css": (".scss", ".less"),
    ".pyc": (".py",),
    ".map": ("",),
}
_WORDS = {
    "O-BINARY": "a binary file cannot be reviewed",
    "O-ARCHIVE": "what is in an archive cannot be reviewed",
    "O-BYTECODE": "a compiled program cannot be reviewed",
    "O-SYMLINK": "a symbolic link is not followed",
    "O-SUBMODULE": "a submodule's content is not here",
    "O-LFS": "a Git LFS pointer stands for a file that is not here",
    "O-LARGE": "the file is too large to be published or reviewed",
}
_RULE_OF_KIND = {
    "binary": "O-BINARY",
    "symlink": "O-SYMLINK",
    "submodule": "O-SUBMODULE",
    "lfs": "O-LFS",
    "large": "O-LARGE",
}
_FIX = "take it out of the skill's folder, or have it accepted in .skillsync-baseline.yaml"


def check_opaque(subject: Subject) -> Iterator[Hit]:
    """Yield the bundled files of head that cannot be read by a person."""
    before, after = subject.before.entries, subject.after.entries
    for path, entry in after.items():
        is_new = before.get(path) != entry
        place = shown_path(subject.place(path))
        rule = opaque_rule(entry)
        if rule is not None:
            what = f"{_WORDS[rule]} ({entry.size:,} bytes)"
            if entry.target:
                what = f"{_WORDS[rule]}: it points to {shown_path(entry.target)}"
            yield Hit(rule, place, None, entry.target or "file", what, fix=_FIX, is_new=is_new,
                      digest=_digest(entry))  # fmt: skip
        elif source := _source(path, after):
            message = f"it lies beside {source}, and nothing shows that it was made of it"
            yield Hit("O-TWIN", place, None, source, message, is_new=is_new, digest=_digest(entry))


def opaque_rule(entry: Entry) -> str | None:
    """Return the rule that a file breaks by what it is, None for a text."""
    kind = kind_of(entry)
    if kind in {"text", "empty"}:
        return None
    if kind == "binary" and entry.data is not None:
        name = entry.path.lower()
        for magic, rule in _MAGIC:
            if entry.data.startswith(magic):
                return rule
        if name.endswith(_ARCHIVES):
            return "O-ARCHIVE"
        if name.endswith(_PROGRAMS):
            return "O-BYTECODE"
    return _RULE_OF_KIND[kind]


def _source(path: str, entries: dict[str, Entry]) -> str | None:
    for ending, sources in _TWINS.items():
        stem = path.removesuffix(ending)
        if stem != path and not (ending == ".js" and stem.endswith(".min")):
            for source in sources:
                if f"{stem}{source}" in entries:
                    return posixpath.basename(f"{stem}{source}")
    return None


def _digest(entry: Entry) -> str:
    return sha256(
        entry.data or f"{entry.size} {entry.target}".encode(errors="surrogateescape")
    ).hexdigest()
