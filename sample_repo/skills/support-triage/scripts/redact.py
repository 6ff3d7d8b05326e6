#!/usr/bin/env python3
"""Mask personal data and secrets in a ticket, so that it can be quoted elsewhere.

usage: redact.py [FILE]        (standard input without FILE)

The masked text goes to standard output; a count of what was masked to standard error.
Card numbers and IBANs are masked only if their check digits are right, so that order
numbers survive. Check the result by eye: names and postal addresses are not found.
"""

import re
import sys
from collections import Counter

SECRET = re.compile(
    r"\b(?:"
    r"ph[cxs]_\w{20,}"  # PostHog
    r"|gh[oprsu]_\w{30,}|github_pat_\w{30,}"  # GitHub
    r"|[rs]k_(?:live|test)_\w{16,}"  # Stripe
    r"|xox[abprs]-[\w-]{10,}"  # Slack
    r"|AKIA[0-9A-Z]{16}"  # AWS
    r"|eyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]+"  # JSON web token
    r")"
)
BEARER = re.compile(r"(?i)\b(bearer\s+)([\w.~+/-]{16,}=*)")
EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b")
CARD = re.compile(r"(?<![\w-])\d(?:[ -]?\d){12,18}(?![\w-])")
PHONE = re.compile(r"(?<![\w-])(?:\+|00)\d{1,3}[ ./-]?(?:\(0?\d{1,4}\)[ ./-]?)?\d(?:[ ./-]?\d){5,11}(?![\w-])")


def passes_luhn(text):
    """Whether the digits of `text` end in a right Luhn check digit."""
    digits = [int(character) for character in text if character.isdigit()]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[-2::-2]]
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def passes_mod97(text):
    """Whether `text` is an IBAN with right check digits."""
    compact = text.replace(" ", "")
    return int("".join(str(int(c, 36)) for c in compact[4:] + compact[:4])) % 97 == 1


def redact(text):
    """Return the masked text and a counter of what was masked."""
    found = Counter()

    def mask(label, is_real=lambda _: True):
        def replace(match):
            if not is_real(match.group()):
                return match.group()
            found[label] += 1
            return f"[{label}]"

        return replace

    def mask_bearer(match):
        found["key"] += 1
        return match.group(1) + "[key]"

    text = SECRET.sub(mask("key"), text)
    text = BEARER.sub(mask_bearer, text)
    text = EMAIL.sub(mask("e-mail"), text)
    text = IBAN.sub(mask("IBAN", passes_mod97), text)
    text = CARD.sub(mask("card", passes_luhn), text)
    text = PHONE.sub(mask("phone"), text)
    return text, found


def main(arguments):
    """Run the command; return its exit code."""
    if len(arguments) > 1 or arguments[:1] in (["-h"], ["--help"]):
        print(__doc__.strip(), file=sys.stderr)
        return 0 if arguments[:1] in (["-h"], ["--help"]) else 2
    if arguments:
        try:
            with open(arguments[0], encoding="utf-8") as source:
                text = source.read()
        except (OSError, UnicodeDecodeError) as error:
            print(f"redact: cannot read {arguments[0]}: {error}", file=sys.stderr)
            return 2
    else:
        text = sys.stdin.read()
    masked, found = redact(text)
    sys.stdout.write(masked)
    summary = ", ".join(f"{count} {label}" for label, count in sorted(found.items()))
    print(f"redact: masked {summary or 'nothing'}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
