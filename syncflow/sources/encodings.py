"""How the characters of a text file are written: told, or found from its bytes.

A byte-order mark or NUL bytes tell UTF-16. Else it is decided at the first characters beyond ASCII: UTF-8 where they are that, else
windows-1252. Once decided it holds: a line in another encoding is an error with its place, never wrong letters.
"""

from __future__ import annotations

import re
from typing import Final

_CODECS: Final = {
    "utf-8": "utf-8",
    "utf-16": "utf-16-le",
    "utf-16-be": "utf-16-be",
    "windows-1252": "cp1252",
    "latin-1": "latin-1",
}
_UTF8_LETTER: Final = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
_BEYOND_ASCII: Final = re.compile(rb"[\x80-\xff]")
_NOT_WINDOWS: Final = re.compile(rb"[\x81\x8d\x8f\x90\x9d]")


class Undecodable(ValueError):  # noqa: N818  # a word of this module's, not an error of the project
    """Bytes that are not of the encoding; the message says where."""


class Encoding:
    """One file's encoding. ``name`` is None until it is told or found."""

    def __init__(self, name: str | None) -> None:
        self.name = name
        self._is_told = name is not None
        self._set(name)

    def _set(self, name: str | None) -> None:
        self.name = name
        self._codec = _CODECS[name or "utf-8"]
        self.width = 2 if self._codec.startswith("utf-16") else 1
        """Bytes of an ASCII character."""

    @property
    def is_found(self) -> bool:
        """Whether it was found, not told."""
        return self.name is not None and not self._is_told

    @property
    def is_checked_by_line(self) -> bool:
        """Whether each line beyond ASCII has to be looked at by itself."""
        return self.is_found and self.name == "windows-1252"

    def look(self, first: bytes) -> None:
        """Decide from a file's first bytes what they decide: a byte-order mark, or UTF-16 without one."""
        if first.startswith(b"\xfe\xff") or (self._may_be_wide and _has_nul(first, at=0) and not _has_nul(first, at=1)):
            self._set("utf-16-be")
        elif first.startswith(b"\xff\xfe") or (
            self._may_be_wide and _has_nul(first, at=1) and not _has_nul(first, at=0)
        ):
            self._set("utf-16")
        elif first.startswith(b"\xef\xbb\xbf") and not self._is_told:
            self._set("utf-8")

    @property
    def _may_be_wide(self) -> bool:
        return not self._is_told or self.width == 2

    def encode(self, text: str) -> bytes:
        """Return the bytes of a text, without a mark."""
        return text.encode(self._codec)

    def decode(self, content: bytes) -> str:
        """Return the text of some lines.

        Raises:
            Undecodable: it is not of the encoding.
        """
        if self.width == 1 and content.isascii():
            return content.decode("ascii")
        if self.name is None:
            self._set(_found(content))
        try:
            text = content.decode(self._codec)
        except UnicodeDecodeError as error:
            raise Undecodable(f"not {self._written} at byte {error.start + 1} of the line") from None
        if self.is_checked_by_line and _is_utf8(content):
            raise Undecodable("UTF-8, in a file that was windows-1252 before")
        return text

    @property
    def _written(self) -> str:
        name = self.name or "utf-8"
        return "UTF-16" if self.width == 2 else name.upper() if name == "utf-8" else name


def _has_nul(first: bytes, *, at: int) -> bool:
    """Return whether most bytes at even (0) or odd (1) places are NUL."""
    places = first[at:64:2]
    return len(places) > 0 and places.count(0) * 2 > len(places)


def _is_utf8(content: bytes) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True


def _found(content: bytes) -> str:
    """Return the likelier of UTF-8 and windows-1252 for bytes beyond ASCII: UTF-8 with some broken characters is still UTF-8."""
    if _is_utf8(content) or _NOT_WINDOWS.search(_UTF8_LETTER.sub(b"", content)):
        return "utf-8"
    letters = len(_UTF8_LETTER.findall(content))
    others = len(_BEYOND_ASCII.findall(_UTF8_LETTER.sub(b"", content)))
    return "utf-8" if letters >= others else "windows-1252"
