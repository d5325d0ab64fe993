"""Whether a file is written to its end, as far as its last bytes tell. Values only.

A writer that was interrupted, or pauses, has mostly stopped in the middle of a line. A last line without its line break may also be the
writer's way: so the file before decides, and of the first one no row is known that could be missing.
"""

from __future__ import annotations


def has_end(ending: bytes) -> bool:
    """Whether a file with these last bytes ends with a line break."""
    return ending.rstrip(b"\0")[-1:] in {b"\n", b"\r"}


def flaw(ending: bytes, *, is_document: bool, left: int, ended_before: str | None) -> str:
    """Say why a file may not be whole; empty where it seems to be.

    ``is_document``: it is a JSON array; ``left``: bytes at its end that are no whole row; ``ended_before``: whether the file before ended
    with a line break, ``yes`` or ``no``.
    """
    if is_document:
        return "" if ending.rstrip()[-1:] == b"]" else "ends inside its array"
    if left:
        return "ends inside a row"
    if ended_before == "yes" and not has_end(ending):
        return "does not end with a line break, which the file before did"
    return ""
