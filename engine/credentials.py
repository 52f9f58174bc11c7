"""What in a text looks like a credential: lint tells of it, and no line that is shown holds it."""

from __future__ import annotations

import re
from collections.abc import Iterator

_SECRETS = (
    ("a URL with a password", re.compile(r"\b[a-z][a-z0-9+.-]*://[^\s/:@\"'{}$]+:(?P<value>[^\s@/\"'{}$]+)@")),
    ("a private key", re.compile(r"(?P<value>-----BEGIN [A-Z ]*PRIVATE KEY-----)")),
    ("a key of AWS", re.compile(r"\b(?P<value>(?:AKIA|ASIA)[0-9A-Z]{16})\b")),
    ("a token of GitHub", re.compile(r"\b(?P<value>gh[pousr]_[A-Za-z0-9]{36,})\b")),
    ("a token of GitLab", re.compile(r"\b(?P<value>glpat-[A-Za-z0-9_-]{20,})")),
    ("a token of Slack", re.compile(r"\b(?P<value>xox[abprs]-[A-Za-z0-9-]{10,})")),
    ("a key of Stripe", re.compile(r"\b(?P<value>[rs]k_live_[A-Za-z0-9]{16,})")),
)
_NAMED = re.compile(
    r"(?i)\b[\w-]*(?:password|passwd|secret|token|api_?key)[\w-]*[\"']?\s*:\s*(?:\{\s*value\s*:\s*)?[\"']?"
    r"(?P<value>[A-Za-z0-9+/=_.-]{16,})"
)
_IN_URL = re.compile(
    r"""((?://[^\s:@"'/]*|\b[\w.%+-]+):(?!//))([^\s"']+)(?=@)"""
    r"""|([?&][^=&\s"']*(?:pass|pwd|secret|token|key|credential)[^=&\s"']*=)([^&\s"']+)""",
    re.IGNORECASE,
)


def credentials(text: str) -> Iterator[tuple[str, int, int]]:
    """Yield what looks like a credential: in words, where it begins, where it ends."""
    for words, pattern in _SECRETS:
        for match in pattern.finditer(text):
            yield words, match.start("value"), match.end("value")
    for match in _NAMED.finditer(text):
        value = match["value"]
        mixed = any(c.isdigit() for c in value) and any(c.isalpha() for c in value)
        if mixed and len(set(value)) >= 10:
            yield "a password or a token", match.start("value"), match.end("value")


def starred(text: str) -> str:
    """Return `text` with a star for each character of what looks like a credential: places stay what they are."""
    for _, start, end in credentials(text):
        text = text[:start] + "*" * (end - start) + text[end:]
    return _IN_URL.sub(lambda m: (m[1] or m[3]) + "*" * len(m[2] or m[4]), text)
