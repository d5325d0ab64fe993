"""True and false as programs and people write them: SQL, YAML, forms, and Excel in the languages that translate them."""

from __future__ import annotations

from typing import Final

_TRUE: Final = ("true", "t", "yes", "y", "1", "on", "wahr", "vrai", "verdadero", "verdadeiro", "vero", "waar")
_FALSE: Final = ("false", "f", "no", "n", "0", "off", "falsch", "faux", "falso", "onwaar")
_WORDS: Final = dict.fromkeys(_TRUE, True) | dict.fromkeys(_FALSE, False)


def read_boolean(text: str) -> bool | None:
    """Return what a word says, None where it says neither; neither case nor blanks around it count."""
    return _WORDS.get(text.strip().lower())


def plain_boolean(text: str) -> str | None:
    """Return ``true`` or ``false``, None where a word says neither."""
    found = read_boolean(text)
    return None if found is None else "true" if found else "false"
