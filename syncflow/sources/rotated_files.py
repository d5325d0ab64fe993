"""Rotated files: which one in the folder is the one that was being read, and which came after it.

A rotated file is known by its evidence, not by its name: logrotate, Python's handlers and people name them in many ways. Only files
whose name begins like that of the followed one are looked at.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from syncflow.errors import UnavailableError
from syncflow.sources.evidence import NEAR, Evidence
from syncflow.sources.opened import OpenFile, try_open

_MOST = 1000
"""Most files of a folder that are looked at, the newest first."""


def find_predecessor(path: Path, evidence: Evidence, *, offset: int) -> OpenFile | None:
    """Open the file beside ``path`` of which ``offset`` bytes were read: renamed, copied, or compressed since."""
    for candidate in sorted(_beside(path), key=lambda file: file.stat().st_ino != evidence.inode):
        file = try_open(candidate)
        if file is None:
            continue
        if _is_it(file, evidence, offset=offset):
            return file
        file.close()
    return None


def find_successors(path: Path, file: OpenFile) -> list[Path]:
    """Return the files beside ``path`` that were rotated away after ``file`` was, the oldest first. A copy of ``file`` itself is none."""
    before = file.stat
    start = file.read_at(0, NEAR)
    later = [found for found in rotated_since(path, before.st_mtime_ns) if found.stat().st_ino != before.st_ino]
    return [candidate for candidate in later if not _is_copy(candidate, start, size=before.st_size)]


def rotated_since(path: Path, written_ns: int) -> list[Path]:
    """Return the rotated files beside ``path`` that were last written after a time, the oldest first.

    Their names hold a number or a date.
    """
    stem, suffix = re.escape(path.stem), re.escape(path.suffix)
    name = re.compile(rf"{stem}({suffix}[.\-_]\d[\d.\-_T:]*|[.\-_]\d[\d.\-_T:]*{suffix})(\.gz)?\Z")
    later = [
        (candidate.stat().st_mtime_ns, candidate)
        for candidate in _beside(path)
        if name.match(candidate.name) and candidate.stat().st_mtime_ns > written_ns
    ]
    return [candidate for _, candidate in sorted(later)]


def _beside(path: Path) -> list[Path]:
    """Return the regular files whose name begins like that of ``path``, the newest first."""

    def found() -> Iterator[tuple[int, Path]]:
        for entry in path.parent.iterdir():
            named_alike = entry.name != path.name and entry.name.startswith(path.stem)
            if named_alike and not entry.is_symlink() and entry.is_file():
                yield entry.stat().st_mtime_ns, entry

    try:
        return [entry for _, entry in sorted(found(), reverse=True)[:_MOST]]
    except OSError:
        return []


def _is_it(file: OpenFile, evidence: Evidence, *, offset: int) -> bool:
    try:
        return evidence.holds(file, offset=offset)
    except UnavailableError:  # a damaged archive is not the file that was read
        return False


def _is_copy(candidate: Path, start: bytes, *, size: int) -> bool:
    file = try_open(candidate)
    if file is None or not start:
        return False
    try:
        of_size = candidate.suffix == ".gz" or file.stat.st_size == size
        return of_size and file.read_at(0, len(start)) == start
    except UnavailableError:  # a damaged archive
        return False
    finally:
        file.close()
