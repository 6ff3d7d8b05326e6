"""Rules S: secrets in lines that the range adds; the secret itself never leaves this module."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256

from skillsync.review.redact import Redactor
from skillsync.review.rules.model import Hit, Text


def check_secrets(text: Text, redactor: Redactor) -> Iterator[Hit]:
    """Yield the added lines that hold what looks like a secret; it is redacted everywhere from now on."""
    if not text.new:
        return
    for secret in redactor.find(text.text, text.new):
        kind = (
            secret.kind[0].lower() + secret.kind[1:] if secret.kind[:2].istitle() else secret.kind
        )
        message = f"this line holds what looks like a secret ({kind})"
        # Of the secret only a hash takes part, so that a fingerprint tells nothing of it beyond equality.
        matched = sha256(secret.value.encode("utf-8", "surrogatepass")).hexdigest()
        yield Hit("S-SECRET", text.path, secret.line, matched, message, evidence=kind,
                  fix="take it out and revoke it: it is in the branch's history")  # fmt: skip
