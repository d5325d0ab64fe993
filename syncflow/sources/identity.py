"""Which file is this? By inode and the hash of its first bytes, such that growing does not change the answer.

The answer is the partition's name: ``file:<inode>:<size of the head>:<hash of the head>:<hash of its first 64 bytes>``.
The head is what of the first 4 kB was there at first sight. A file that is read again from the start on request is a
further reading: ``…:2``.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass

from syncflow.errors import UnavailableError

_HEAD = 4096
_START = 64
_PARTITION = re.compile(r"file:(\d+):(\d+):([0-9a-f]{16}):([0-9a-f]{8})(?::(\d+))?\Z")


@dataclass(frozen=True, slots=True)
class Identity:
    """What a file is known by; ``reading`` counts how often it was started anew on request."""

    inode: int
    size: int
    head: str
    start: str
    reading: int = 1

    @property
    def partition(self) -> str:
        """The name under which positions are kept."""
        name = f"file:{self.inode}:{self.size}:{self.head}:{self.start}"
        return name if self.reading == 1 else f"{name}:{self.reading}"


def identify(descriptor: int, *, reading: int = 1) -> Identity:
    """Look at an open file that is not empty."""
    seen = os.fstat(descriptor)
    size = min(_HEAD, seen.st_size)
    return Identity(seen.st_ino, size, _head(descriptor, size), _start(descriptor, size), reading)


def recognise(descriptor: int, acknowledged: Mapping[str, int], *, name: str) -> tuple[Identity, int] | None:
    """Find what was read of this open file before: its identity and offset; None where it is new or was replaced.

    Raises:
        UnavailableError: it is the same file, but shorter than what was read of it.
    """
    seen = os.fstat(descriptor)
    known = [(one, offset) for one, offset in _parsed(acknowledged) if one.inode == seen.st_ino]
    same = [(one, offset) for one, offset in known if _is_same(descriptor, one, size=seen.st_size)]
    last = max(same, key=lambda entry: entry[0].reading, default=None)
    cut = [last] if last else [entry for entry in known if _may_be_cut(descriptor, entry[0], size=seen.st_size)]
    for _, offset in cut:
        if seen.st_size < offset:
            raise truncated(name, size=seen.st_size, offset=offset)
    return last


def truncated(name: str, *, size: int, offset: int) -> UnavailableError:
    """Return the error for a file that became shorter than what was read of it."""
    return UnavailableError(
        f"{name} was truncated: {offset} bytes of it were read before, now it has {size}",
        hint="put the file back, or read what is there now with --from-start",
    )


def _parsed(acknowledged: Mapping[str, int]) -> list[tuple[Identity, int]]:
    found = ((_PARTITION.match(partition), offset) for partition, offset in acknowledged.items())
    return [
        (Identity(int(match[1]), int(match[2]), match[3], match[4], int(match[5] or 1)), offset)
        for match, offset in found
        if match
    ]


def _is_same(descriptor: int, one: Identity, *, size: int) -> bool:
    return size >= one.size and _head(descriptor, one.size) == one.head


def _may_be_cut(descriptor: int, one: Identity, *, size: int) -> bool:
    """Tell whether a file shorter than the known head may be what is left of it; an inode is soon used again."""
    start = min(_START, one.size)
    return size < one.size and (size < start or _start(descriptor, start) == one.start)


def _head(descriptor: int, size: int) -> str:
    return hashlib.sha256(os.pread(descriptor, size, 0)).hexdigest()[:16]


def _start(descriptor: int, size: int) -> str:
    return hashlib.sha256(os.pread(descriptor, min(_START, size), 0)).hexdigest()[:8]
