"""Which file a pass reads, and how it stands on the disk."""

from __future__ import annotations

import glob
import os
import stat
from pathlib import Path
from typing import NamedTuple

from syncflow.errors import ProjectError
from syncflow.sources.files import is_pattern


class Look(NamedTuple):
    """How a file stands: another look is another file, or another content."""

    name: str
    inode: int
    size: int
    written_ns: int


def newest(path: str, *, base: Path) -> Look:
    """Return the file at a path; of a pattern the one that was written last, of those written at once the last by name.

    Raises:
        ProjectError: there is none.
    """
    hint = "a path is relative to the file that names it"
    if not is_pattern(path, base=base):
        found = look(path, base=base)
        if found is None:
            raise ProjectError(f"source.file.path: there is no file {base / path}", hint=hint)
        return found
    names = glob.glob(path, root_dir=base, recursive=True)  # noqa: PTH207  # names as in the settings
    files = [found for name in names if (found := look(name, base=base))]
    if not files:
        raise ProjectError(f"source.file.path: no file matches {path}", hint=hint)
    return max(files, key=lambda found: (found.written_ns, found.name))


def look(name: str, *, base: Path) -> Look | None:
    """Return how a file stands; None where there is none."""
    try:
        found = os.stat(base / name)  # noqa: PTH116  # one call for all
    except OSError:
        return None
    return look_of(name, found) if not stat.S_ISDIR(found.st_mode) else None


def look_of(name: str, found: os.stat_result) -> Look:
    return Look(name, found.st_ino, found.st_size, found.st_mtime_ns)
