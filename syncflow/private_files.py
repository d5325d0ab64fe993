"""Files that hold personal data: made for their owner alone, regardless of the umask, and never through a link that others planted.

private_folder(path)     0700 where it is made here
open_private(path, …)    a descriptor of a file of 0600
tightened(path)          takes the rights of others away from what is ours; says whether there were any
"""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from pathlib import Path

_OTHERS = 0o077


def private_folder(path: Path) -> None:
    """Make a folder for its owner alone; one that is there keeps its rights.

    Raises:
        OSError: it cannot be made.
    """
    if path.is_dir():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.mkdir(mode=0o700, exist_ok=True)
    path.chmod(0o700)


def open_private(path: Path, flags: int) -> int:
    """Open a file, made with 0600 where it is missing; return its descriptor. A symbolic link is followed to a file that is there
    and belongs to this user, and never to make one.

    Raises:
        OSError: it cannot be opened, or it is a link that may not be followed.
    """
    if path.is_symlink():
        _refuse_foreign(path)
        flags &= ~os.O_CREAT
        return os.open(path, flags | os.O_CLOEXEC)
    descriptor = os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    found = os.fstat(descriptor)
    if found.st_uid == os.geteuid() and stat.S_ISREG(found.st_mode) and found.st_mode & _OTHERS:
        os.fchmod(descriptor, 0o600)
    return descriptor


def _refuse_foreign(path: Path) -> None:
    link = path.lstat()
    target = path.stat()
    if {link.st_uid, target.st_uid} - {os.geteuid()}:
        raise PermissionError(1, "it is a symbolic link that another user made, or to another user's file", str(path))


def tightened(paths: Sequence[Path]) -> list[Path]:
    """Take the rights of group and others from those of these that are there and ours; return which had any."""
    changed = []
    for path in paths:
        try:
            found = path.lstat()
        except OSError:
            continue
        if stat.S_ISREG(found.st_mode) and found.st_uid == os.geteuid() and found.st_mode & _OTHERS:
            path.chmod(0o600)
            changed.append(path)
    return changed


def open_to_others(folder: Path) -> str:
    """Say what others may do in a folder that this program did not make; empty for nothing."""
    found = folder.stat()
    if found.st_mode & 0o022 and not found.st_mode & stat.S_ISVTX:
        return "others may write in it"
    return ""
