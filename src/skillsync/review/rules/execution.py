"""Rules X: texts that make an agent run what nobody read.

Every pattern is bounded and anchored at a word, so that no text makes matching slow; a line is looked at in pieces of
a few thousand characters.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator

from skillsync.review.rules.model import Hit, Text, first_of_line

_FETCH = r"(?:curl|wget|fetch|iwr|irm|invoke-webrequest|invoke-restmethod|http(?:ie)?)"
_SHELL = r"(?:(?:sudo|env|exec|command|nohup)\s{1,3}){0,3}(?:/usr)?(?:/local)?(?:/bin/)?(?:(?:ba|z|da|k|fi|c|tc|a)?sh|python[0-9.]{0,5}|node|deno|bun|perl|ruby|php|lua|osascript|pwsh|powershell|iex|invoke-expression|tclsh)\b"
_PATTERNS: tuple[tuple[str, str, re.Pattern[str]], ...] = tuple(
    (rule, message, re.compile(pattern, re.IGNORECASE))
    for rule, message, pattern in (
        ("X-PIPE", "downloads and runs at once", rf"\b{_FETCH}\b[^|\n;]{{1,400}}\|\s{{0,5}}(?:tee\s[^|\n]{{1,100}}\|\s{{0,5}})?{_SHELL}"),
        ("X-PIPE", "downloads and runs at once", rf"\b(?:(?:ba|z|k)?sh|python[0-9.]{{0,5}}|source|eval|\.)\s{{1,3}}(?:-c\s{{0,3}})?[\"']?(?:<\(|\$\(|`)\s{{0,3}}{_FETCH}\b"),
        ("X-PIPE", "downloads and runs at once", r"\biex\s{0,3}\(|\binvoke-expression\b[^\n]{0,80}\b(?:downloadstring|iwr|irm|invoke-webrequest)\b|\bdownloadstring\s{0,2}\([^\n]{0,300}\|\s{0,3}iex\b"),
        ("X-PIPE", "downloads and runs at once", r"\b(?:exec|eval)\s{0,2}\(\s{0,3}(?:requests\.get|urllib\.request\.urlopen|urlopen|httpx\.get|await\s{1,3}\(?\s{0,2}await\s{1,3}fetch)\b"),
        ("X-DECODE", "decodes and runs what nobody can read", rf"\bbase64\s{{1,3}}(?:-d|-D|--decode)\b[^|\n]{{0,300}}\|\s{{0,5}}{_SHELL}"),
        ("X-DECODE", "decodes and runs what nobody can read", rf"\b(?:xxd\s{{1,3}}-r|openssl\s{{1,3}}(?:enc|base64)\b[^|\n]{{0,60}}-d|uudecode|gunzip|zcat)\b[^|\n]{{0,300}}\|\s{{0,5}}{_SHELL}"),
        ("X-DECODE", "decodes and runs what nobody can read", r"\b(?:eval|exec|Function|compile)\s{0,2}\(\s{0,3}(?:atob|Buffer\.from|base64\.|zlib\.|codecs\.|bytes\.fromhex|binascii\.|marshal\.|unescape|gzinflate|base64_decode|__import__\s{0,2}\(\s{0,2}[\"'](?:base64|zlib|codecs|marshal))"),
        ("X-DECODE", "decodes and runs what nobody can read", r"\b(?:powershell|pwsh)(?:\.exe)?\b[^\n]{0,80}\s-e(?:nc(?:odedcommand)?)?\s{1,3}[A-Za-z0-9+/=]{16}"),
        ("X-DECODE", "decodes and runs what nobody can read", r"\b(?:eval|(?:ba)?sh\s{1,3}-c)\s{1,3}[\"']?\$\(\s{0,3}(?:echo|printf)\b[^)\n]{0,400}\|\s{0,3}(?:base64|xxd|rev|tr)\b"),
        ("X-REVERSE", "connects a shell to the network", r"/dev/(?:tcp|udp)/|\b(?:nc|ncat|netcat)\b[^\n|;]{0,80}\s(?:-[a-z]{0,4}[ec]\b|--exec|--sh-exec)|\bbash\s{1,3}-i\s{0,3}>&|\bsocat\b[^\n]{0,120}\bexec:"),
        ("X-REVERSE", "connects a shell to the network", r"\bmkfifo\b[^\n]{0,200}\bnc\b|\bsocket\b[^\n]{0,200}\b(?:dup2|subprocess|pty\.spawn)\b|\bTCPClient\b[^\n]{0,200}\bGetStream\b"),
        ("X-INSTALL", "installs from an address without a fixed version", r"\b(?:pip[0-9.]{0,4}|uv|pipx|poetry)\s{1,3}(?:pip\s{1,3}|tool\s{1,3})?(?:install|add|run)\b[^\n]{0,120}?(?:git\+(?:https?|ssh|git)://(?![^\s\"'`)]{1,300}@(?:[0-9a-f]{7,64}|v?\d[\w.]*)\b)[^\s\"'`)]{1,300}|\bhttps?://[^\s\"'`)]{1,300}\.(?:zip|tar\.gz|whl)\b(?![^\s\"'`)]{0,40}#sha256=))"),
        ("X-INSTALL", "installs from an address without a fixed version", r"\b(?:npm|pnpm|yarn|bun|npx|bunx)\s{1,3}(?:install|i|add|exec|dlx|-y|--yes)\b[^\n]{0,120}?(?:git\+|https?://|github:|git@)(?![^\s\"'`)]{1,300}#(?:[0-9a-f]{7,64}|semver:|v?\d))[^\s\"'`)]{1,300}"),
        ("X-INSTALL", "installs from an address without a fixed version", r"\b(?:curl|wget)\b[^\n]{0,300}&&\s{0,3}(?:sudo\s{1,3})?(?:chmod\s{1,3}(?:\+x|[0-7]{3})|(?:ba|z)?sh\s|dpkg\s{1,3}-i|rpm\s{1,3}-i|installer\s)"),
        ("X-INSTALL", "installs from an address without a fixed version", r"\b(?:cargo\s{1,3}install\b[^\n]{0,60}--git\b(?![^\n]{0,200}--(?:rev|tag)\b)|go\s{1,3}(?:install|run)\s{1,3}[^\s@]{1,200}@(?:latest|master|main)\b)"),
    )
)  # fmt: skip
_WORTH_A_LOOK = (
    *(
        "curl",
        "wget",
        "fetch",
        "iwr",
        "irm",
        "invoke-",
        "http",
        "iex",
        "downloadstring",
        "exec",
        "eval",
        "base64",
        "xxd",
    ),
    *(
        "openssl",
        "uudecode",
        "gunzip",
        "zcat",
        "powershell",
        "pwsh",
        "/dev/",
        "nc ",
        "ncat",
        "netcat",
        "bash",
        "socat",
    ),
    *(
        "mkfifo",
        "socket",
        "tcpclient",
        "pip",
        "uv ",
        "poetry",
        "npm",
        "yarn",
        "bun",
        "npx",
        "cargo",
        "@latest",
        "@master",
        "@main",
    ),
    *("function(", "compile("),
)
"""One of these is in every line that a pattern fits, in small letters: only such lines are looked at."""

_LOAD = re.compile(r"(?:^|[\s(>])!`[^`\n]{1,500}`|^\s{0,3}(?:`{3,}|~{3,})!", re.MULTILINE)
_CREDENTIALS = re.compile(
    r"(?i)(?:~|\$HOME|\$\{HOME\}|/root|/home/[\w.-]{1,40}|%USERPROFILE%|expanduser\([^)]{0,40})?/?\.(?:ssh/(?:id_\w{1,20}|config|authorized_keys|\*)?|aws/credentials|netrc\b|npmrc\b|pypirc\b|git-credentials\b|docker/config\.json|kube/config\b|config/gcloud|config/gh/hosts|gnupg\b|vault-token\b)|/etc/shadow\b|\bid_(?:rsa|ed25519|ecdsa)\b|\bsecurity\s{1,3}find-(?:generic|internet)-password\b|\bLogin Data\b|\bcookies\.sqlite\b|169\.254\.169\.254"
)
_CREDENTIAL_WORDS = (
    *(
        ".ssh",
        ".aws",
        ".netrc",
        ".npmrc",
        ".pypirc",
        ".git-cred",
        ".docker",
        ".kube",
        ".config",
        ".gnupg",
        ".vault",
    ),
    *(
        "/etc/shadow",
        "id_rsa",
        "id_ed25519",
        "id_ecdsa",
        "find-",
        "login data",
        "cookies.sqlite",
        "169.254.169.254",
    ),
)
_NETWORK = re.compile(
    r"(?i)\b(?:curl|wget|nc|ncat|netcat|scp|rsync|sftp|ftp|socat|invoke-webrequest|iwr)\b|\brequests\.(?:post|put|get)\b|\bhttpx\.\w|\burllib\b|\burlopen\b|\bfetch\s{0,2}\(|\baxios\b|\bhttp\.client\b|\bsmtplib\b|\bsendBeacon\b|\bnslookup\b|\bdig\s|\bupload(?:s|ed)?\b[^\n]{0,60}\bhttps?://|\bpost(?:s|ed)?\b[^\n]{0,60}\bhttps?://|\bsend(?:s)?\b[^\n]{0,60}\bhttps?://"
)
_NEAR = 5
_PIECE = 4_000


def check_execution(text: Text, *, is_skill_md: bool) -> Iterator[Hit]:
    """Yield what one text would make an agent run."""
    hits = [*_commands(text), *_credentials(text)]
    if is_skill_md:
        hits += _load_time(text)
    yield from first_of_line(hits)


def _commands(text: Text) -> Iterator[Hit]:
    joined = _continued(text.text)
    lines = joined.split("\n")
    for number in _candidates(joined):
        for piece in _pieces(lines[number - 1]):
            for rule, message, pattern in _PATTERNS:
                if found := pattern.search(piece):
                    yield Hit(rule, text.path, number, found[0], f"this line {message}",
                              evidence=_words(found[0]), is_new=text.is_new(number))  # fmt: skip


def _candidates(text: str) -> list[int]:
    """Return the 1-based lines that hold one of the words that every pattern needs."""
    lowered = text.lower()
    if len(lowered) != len(text):  # a letter that becomes two in small ones: places would not fit
        lowered = text
    starts = [0, *(found.end() for found in _LINE_END.finditer(text))]
    lines: set[int] = set()
    for word in _WORTH_A_LOOK:
        at = lowered.find(word)
        while at >= 0:
            number = bisect_right(starts, at)
            lines.add(number)
            after = starts[number] if number < len(starts) else len(lowered)
            at = lowered.find(word, after)
    return sorted(lines)


_LINE_END = re.compile("\n")


def _continued(text: str) -> str:
    """Join lines that a backslash continues, keeping the count of lines: a pipe may stand on the next one."""
    if "\\\n" not in text and "|\n" not in text:
        return text
    lines = text.split("\n")
    for at in range(len(lines) - 2, -1, -1):
        stripped = lines[at].rstrip()
        if stripped.endswith(("\\", "|")) and len(lines[at]) + len(lines[at + 1]) < _PIECE:
            lines[at] = stripped.removesuffix("\\") + " " + lines[at + 1].lstrip()
    return "\n".join(lines)


def _pieces(line: str) -> Iterator[str]:
    """Cut a long line into overlapping pieces."""
    if len(line) <= _PIECE:
        yield line
        return
    for start in range(0, len(line), _PIECE - 800):
        yield line[start : start + _PIECE]


def _credentials(text: Text) -> Iterator[Hit]:
    lowered = text.text.lower()
    if not any(word in lowered for word in _CREDENTIAL_WORDS) or not _CREDENTIALS.search(text.text):
        return
    lines = text.text.split("\n")
    network = [
        number for number, line in enumerate(lines, start=1) if _NETWORK.search(line[:_PIECE])
    ]
    for number, line in enumerate(lines, start=1):
        found = _CREDENTIALS.search(line[:_PIECE])
        near = [at for at in network if abs(at - number) <= _NEAR] if found else []
        if found and near:
            is_new = text.is_new(number) or any(text.is_new(at) for at in near)
            message = f"credentials are named {'in' if number in near else 'near'} a line that uses the network"
            yield Hit("X-CREDENTIALS", text.path, number, found[0], message,
                      evidence=_words(found[0]), is_new=is_new)  # fmt: skip


def _load_time(text: Text) -> Iterator[Hit]:
    if "!`" not in text.text and "`!" not in text.text and "~!" not in text.text:
        return
    for found in _LOAD.finditer(text.text):
        start = found.start() + len(found[0]) - len(found[0].lstrip())
        line = text.line_at(start)
        message = "this command runs when the skill is loaded"
        yield Hit("X-LOAD", text.path, line, found[0].strip(), message,
                  evidence=_words(found[0].strip()), is_new=text.is_new(line))  # fmt: skip


def _words(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= 160 else f"{text[:160]}…"
