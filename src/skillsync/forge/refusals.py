"""Puts a forge's refusals into the words of our own contract, so that one reader knows what every answer means. Pure."""

from __future__ import annotations

import json
from dataclasses import replace

from skillsync.api.answers import NotJson, Raw, parse_json

_LIMITED = frozenset({403, 429})


def translate(raw: Raw, now: float) -> Raw:
    """Return the answer with ``message`` as ``detail``, and a rate limit as 429 with ``Retry-After``.

    GitHub refuses for its limits with 403 as well, and names the end of the primary one in Unix seconds
    (docs.github.com, "Rate limits for the REST API"). ``now`` is Unix time.
    """
    if raw.status < 400:
        return raw
    status, headers = raw.status, dict(raw.headers)
    if status in _LIMITED and "retry-after" in headers:
        status = 429
    elif status in _LIMITED and headers.get("x-ratelimit-remaining", "").strip() == "0":
        status = 429
        reset = headers.get("x-ratelimit-reset", "").strip()[:12]
        if reset.isascii() and reset.isdigit():
            headers["retry-after"] = str(max(int(reset) - int(now), 0) + 1)
    try:
        body = parse_json(raw.body)
    except NotJson:
        return replace(raw, status=status, headers=headers)
    said = body.get("message", body.get("error")) if isinstance(body, dict) else None
    if not isinstance(body, dict) or not isinstance(said, str):
        return replace(raw, status=status, headers=headers)
    content = json.dumps({"detail": said}).encode()
    return Raw(status, headers, content)
