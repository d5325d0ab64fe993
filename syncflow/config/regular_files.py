"""Read regular files only, in bounded time and memory: a pipe, a device, a socket or a folder is refused and never waited for."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

_ODD = {
    stat.S_IFIFO: "a named pipe",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFSOCK: "a socket",
    stat.S_IFDIR: "a directory",
}


class NotRegularError(OSError):
    """Something else than a file lies at the path; ``strerror`` says what."""


def read_regular(path: Path, *, most: int = -1) -> bytes:
    """Return the content of a regular file, at most ``most`` bytes of it (-1: all).

    Raises:
        OSError: there is none, or it cannot be read; ``strerror`` says why in words.
        ValueError: no path can be written like this.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError as error:
        raise _in_words(error, path) from error
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode):
        os.close(descriptor)
        kind = IsADirectoryError if stat.S_ISDIR(mode) else NotRegularError
        raise kind(errno.EISDIR if stat.S_ISDIR(mode) else errno.EINVAL, f"it is {_ODD[stat.S_IFMT(mode)]}", str(path))
    with os.fdopen(descriptor, "rb") as stream:
        return stream.read(most)


def _in_words(error: OSError, path: Path) -> OSError:
    """A socket cannot even be opened, and the system's words for that and for a loop of links name neither."""
    if error.errno == errno.ELOOP:
        return OSError(errno.ELOOP, "it is a link that leads back to itself", str(path))
    if error.errno == errno.ENXIO:
        return NotRegularError(errno.ENXIO, "it is a socket or a device", str(path))
    return error


def oddity(path: Path) -> str:
    """Say what lies at a path that is no regular file and cannot be read as one; empty for a file, or for nothing at all."""
    try:
        return _ODD.get(stat.S_IFMT(path.stat().st_mode), "")
    except FileNotFoundError:
        return "a link that leads nowhere" if path.is_symlink() else ""
    except OSError as error:
        if error.errno == errno.ELOOP:
            return "a link that leads back to itself"
        return "in a folder that may not be looked into" if error.errno == errno.EACCES else ""
    except ValueError:
        return ""
