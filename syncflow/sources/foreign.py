"""Files that are no text, told by their first bytes: one clear error instead of one for each line."""

from __future__ import annotations

from syncflow.errors import ProjectError

_KINDS: tuple[tuple[bytes, str, str], ...] = (
    (b"PK\x03\x04", "an Excel workbook (or another zip archive)", "save it as “CSV UTF-8”"),
    (b"\xd0\xcf\x11\xe0", "an Excel workbook", "save it as “CSV UTF-8”"),
    (b"\x1f\x8b", "compressed by gzip", "let its name end in .gz"),
    (b"\x28\xb5\x2f\xfd", "compressed by zstd", "let its name end in .zst"),
    (b"BZh", "compressed by bzip2", "unpack it first"),
    (b"\xfd7zXZ", "compressed by xz", "unpack it first"),
    (b"PAR1", "a Parquet file", "export it as CSV"),
    (b"%PDF", "a PDF", "export it as CSV"),
    (b"\xff\xfe\0\0", "UTF-32", "save it as UTF-8"),
    (b"\0\0\xfe\xff", "UTF-32", "save it as UTF-8"),
    (b"SQLite format 3", "a SQLite database", "export it as CSV"),
)
_PAGES = (b"<!doctype", b"<html", b"<?xml")


def refuse_foreign(first: bytes, *, source: str) -> None:
    """Raise ProjectError for a file that is no text, or a web page; ``first`` are its first bytes."""
    for mark, what, hint in _KINDS:
        if first.startswith(mark):
            raise ProjectError(f"{source} is {what}, expected text", hint=hint)
    if first.removeprefix(b"\xef\xbb\xbf").lstrip()[:9].lower().startswith(_PAGES):
        raise ProjectError(
            f"{source} is HTML or XML, expected CSV",
            hint="was a page of errors or a sign-in saved in place of the file?",
        )
