"""Hide secrets in text: as they are, and as they stand in addresses, forms and JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable
from urllib.parse import quote, quote_plus

SHORTEST_SECRET = 6
"""Fewest characters of a secret that is hidden: shorter ones are part of ordinary words, and hiding them there would tell what they are."""
HIDDEN = "***"


def hide(text: str, secrets: Iterable[str]) -> str:
    """Return text with every secret hidden, the longest first: one may be part of another."""
    if not text:
        return text
    for form in sorted(set(_forms(secrets)), key=len, reverse=True):
        text = text.replace(form, HIDDEN)
    return text


def _forms(secrets: Iterable[str]) -> Iterable[str]:
    for secret in secrets:
        if len(secret) >= SHORTEST_SECRET:
            yield from (secret, quote(secret, safe=""), quote_plus(secret), json.dumps(secret)[1:-1])
            yield json.dumps(secret, ensure_ascii=False)[1:-1]
