"""Where text may be cut so that no character, as people see it, is cut in two: a letter stays with its marks, an emoji with its skin
tone, a flag with both of its letters (extended grapheme clusters, UAX 29).

In: text and a number of code points. Out: text of at most as many. Only a cluster that is longer than all that may be kept is cut.
"""

from __future__ import annotations

import unicodedata
from typing import Final

_JOINER: Final = "\u200d"
_EXTENDS: Final = frozenset({"Mn", "Me", "Mc"})
_FLAG: Final = range(0x1F1E6, 0x1F200)
_SKIN: Final = range(0x1F3FB, 0x1F400)
_TAG: Final = range(0xE0020, 0xE0080)
_LEADING: Final = range(0x1100, 0x1160)
_VOWEL: Final = range(0x1160, 0x11A8)
_TRAILING: Final = range(0x11A8, 0x1200)
_SYLLABLE: Final = range(0xAC00, 0xD7A4)


def cut(text: str, most: int) -> str:
    """Return the beginning of a text, at most ``most`` code points."""
    if len(text) <= most:
        return text
    if most <= 0:
        return ""
    end = most
    while end > 0 and _belongs_together(text, end):
        end -= 1
    return text[: end or most]


def _belongs_together(text: str, at: int) -> bool:
    """Return whether the characters before and after a position are seen as one."""
    before, after = text[at - 1], text[at]
    if after < "\u0300":
        return (before, after) == ("\r", "\n")
    code = ord(after)
    if after in {_JOINER, "\u200c"} or unicodedata.category(after) in _EXTENDS or code in _SKIN or code in _TAG:
        return before not in "\r\n"
    if before == _JOINER:
        return unicodedata.category(after) == "So"
    if code in _FLAG:
        return _flags_before(text, at) % 2 == 1
    return _is_one_syllable(ord(before), code)


def _flags_before(text: str, at: int) -> int:
    start = at
    while start > 0 and ord(text[start - 1]) in _FLAG:
        start -= 1
    return at - start


def _is_one_syllable(before: int, after: int) -> bool:
    """Return whether parts of a Korean syllable belong together."""
    if before in _LEADING:
        return after in _LEADING or after in _VOWEL or after in _SYLLABLE
    ends_in_vowel = before in _VOWEL or (before in _SYLLABLE and (before - _SYLLABLE.start) % 28 == 0)
    if ends_in_vowel and after in _VOWEL:
        return True
    return after in _TRAILING and (ends_in_vowel or before in _SYLLABLE or before in _TRAILING)
