"""Which reading of which file a position is about: partitions ``file:people.csv#2``, and those of version 0.1.0.

A reading begins when a file is read from its start: the first time, when it was written anew, when a followed one was rotated, on
request. Of one path the newest reading is the one that counts.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass

from syncflow.events import Position
from syncflow.sources.evidence import Evidence
from syncflow.sources.opened import OpenFile

_READING = re.compile(r"file:(.*)#(\d+)\Z", re.DOTALL)
_OLD = re.compile(r"file:(\d+):(\d+):([0-9a-f]{16}):([0-9a-f]{8})(?::(\d+))?\Z")
"""Of version 0.1.0: inode, size and hash of the file's head, hash of its start, number of the reading."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One reading, up to a position. ``number`` is 0 where it is told by no name of this path."""

    number: int
    position: Position
    is_recognised: bool = False
    """Whether inode and first bytes say already that the file is the one that was read."""

    @staticmethod
    def partition(path: str, number: int) -> str:
        """Return the name under which the positions of a path's reading are kept."""
        return f"file:{os.path.normpath(path)}#{number}"


def newest_reading(path: str, acknowledged: Mapping[str, Position]) -> Reading | None:
    """Return the last reading of a path; None where it was never read under this name."""
    name = os.path.normpath(path)
    found = [
        Reading(int(match[2]), position)
        for partition, position in acknowledged.items()
        if (match := _READING.match(partition)) and match[1] == name
    ]
    return max(found, key=lambda reading: reading.number, default=None)


def earlier_reading(file: OpenFile, acknowledged: Mapping[str, Position]) -> Reading | None:
    """Find the reading of an open file whose path has none: it was read under another path, or by version 0.1.0."""
    inode = file.stat.st_ino
    found: list[tuple[int, Reading]] = []
    for partition, position in acknowledged.items():
        old = _OLD.match(partition)
        if old and int(old[1]) == inode:
            same = hashlib.sha256(file.read_at(0, int(old[2]))).hexdigest()[:16] == old[3]
            if same:
                found.append((int(old[5] or 1), Reading(0, position, is_recognised=True)))
        elif _READING.match(partition):
            evidence = Evidence.parse(position.evidence)
            if evidence and evidence.inode == inode and evidence.holds(file, offset=position.offset):
                found.append((position.offset, Reading(0, position)))
    return max(found, key=lambda entry: entry[0])[1] if found else None
