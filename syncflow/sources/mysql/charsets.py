"""The server's character sets → Python's codecs. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from syncflow.sources.mysql.values import UnfitError

BINARY = "binary"

_CODECS: Mapping[str, str] = {
    "utf8mb4": "utf-8", "utf8mb3": "utf-8", "utf8": "utf-8", "ascii": "ascii", "ucs2": "utf-16-be", "utf16": "utf-16-be",
    "utf16le": "utf-16-le", "utf32": "utf-32-be", "cp1250": "cp1250", "cp1251": "cp1251", "cp1256": "cp1256", "cp1257": "cp1257",
    "latin2": "iso8859-2", "latin5": "iso8859-9", "latin7": "iso8859-13", "greek": "iso8859-7", "hebrew": "iso8859-8", "koi8r": "koi8-r",
    "koi8u": "koi8-u", "cp850": "cp850", "cp852": "cp852", "cp866": "cp866", "macroman": "mac-roman", "macce": "mac-latin2",
    "sjis": "shift-jis", "cp932": "cp932", "ujis": "euc-jp", "eucjpms": "euc-jp", "euckr": "euc-kr", "gb2312": "gb2312", "gbk": "gbk",
    "gb18030": "gb18030", "big5": "big5", "tis620": "tis-620",
}  # fmt: skip


def text_reader(charset: str) -> Callable[[bytes], str]:
    """Return how bytes of a character set become text; it raises ``UnfitError`` for those that are none."""
    if charset == "latin1":
        return _latin1
    codec = _CODECS.get(charset)

    def read(value: bytes) -> str:
        if codec is None:
            if value.isascii():
                return value.decode("ascii")
            raise UnfitError(f"text in the character set {charset}, which cannot be read")
        try:
            return value.decode(codec)
        except UnicodeDecodeError as error:
            raise UnfitError(f"bytes that are no text in {charset}") from error

    return read


def _latin1(value: bytes) -> str:
    """The server's latin1 is Windows-1252, with control characters where that has none."""
    try:
        return value.decode("cp1252")
    except UnicodeDecodeError:
        return "".join(
            chr(byte) if byte in {0x81, 0x8D, 0x8F, 0x90, 0x9D} else bytes((byte,)).decode("cp1252") for byte in value
        )
