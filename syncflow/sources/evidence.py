"""Evidence of what was read of a file, kept with the position: enough to know the file again, and to see whether that part is unchanged.

    whole   a hash of everything up to the position, for a file that is read as content: what was read must still be there
    tail    a hash of the last bytes before the position, for a file that is followed: it may be larger than anyone wants to read twice

Both come with the inode, the time of the file's last write, and a hash of its first bytes.
"""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

if TYPE_CHECKING:
    Hash: TypeAlias = hashlib._Hash  # a type that hashlib does not name in public

NEAR = 4096
"""Most bytes that are hashed at the beginning of a file, and before a position."""

_BLOCK = 1024 * 1024
_WRITTEN = re.compile(r"(\d+) (\d+) (\d+):([0-9a-f]{16}) (whole|tail) (\d+):([0-9a-f]{16})\Z")


class Readable(Protocol):
    """Bytes of a file, by their place."""

    def read_at(self, offset: int, size: int) -> bytes:
        """Return at most ``size`` bytes; fewer only at the end."""
        ...


@dataclass(frozen=True, slots=True)
class Evidence:
    """See the module. ``size`` bytes before the position are hashed in ``hash``."""

    inode: int
    written_ns: int
    head_size: int
    head: str
    kind: Literal["whole", "tail"]
    size: int
    hash: str

    def __str__(self) -> str:
        return f"{self.inode} {self.written_ns} {self.head_size}:{self.head} {self.kind} {self.size}:{self.hash}"

    @staticmethod
    def parse(text: str) -> Evidence | None:
        """Return what a journal kept; None where it kept none, or what another version wrote."""
        found = _WRITTEN.match(text)
        if found is None:
            return None
        kind: Literal["whole", "tail"] = "whole" if found[5] == "whole" else "tail"
        return Evidence(int(found[1]), int(found[2]), int(found[3]), found[4], kind, int(found[6]), found[7])

    def holds(self, file: Readable, *, offset: int) -> bool:
        """Whether the part of ``file`` before ``offset`` is what was read. Reads ``size`` bytes of it."""
        if short_hash(file.read_at(0, self.head_size)) != self.head:
            return False
        seen, at = hashlib.sha256(), offset - self.size
        while at < offset:
            block = file.read_at(at, min(_BLOCK, offset - at))
            if not block:
                return False
            seen.update(block)
            at += len(block)
        return seen.hexdigest()[:16] == self.hash


class Witness:
    """Hashes what is read, up to wherever events are handed out. Fed with blocks, asked at rising offsets."""

    def __init__(self, *, offset: int, head: bytes, tail: bytes, whole: Hash | None) -> None:
        """``whole``: the hash of everything before ``offset``; None where the file is followed. ``head``, ``tail``: bytes there."""
        self._head = head
        self._tail = tail
        self._whole = whole
        self._at = offset
        self._ahead = bytearray()

    def feed(self, block: bytes) -> None:
        self._ahead += block

    def pass_to(self, offset: int) -> None:
        """Take in what stands before a place that no later question is before, so that it need not be held."""
        count = offset - self._at
        if count <= 0:
            return
        passed = bytes(self._ahead[:count])
        del self._ahead[:count]
        self._at = offset
        self._head = self._head + passed[: NEAR - len(self._head)]
        self._tail = (self._tail + passed)[-NEAR:]
        if self._whole is not None:
            self._whole.update(passed)

    def at(self, offset: int, seen: os.stat_result) -> Evidence:
        """Return the evidence for a position that is not before the last one asked for; ``seen`` is the file's."""
        self.pass_to(offset)
        if self._whole is None:
            return self._evidence(seen, "tail", len(self._tail), self._tail)
        return Evidence(*self._place(seen), "whole", offset, self._whole.hexdigest()[:16])

    def at_end(self, seen: os.stat_result) -> Evidence:
        """Return the evidence, by the last bytes, for all that was fed."""
        tail = (self._tail + self._ahead)[-NEAR:]
        return self._evidence(seen, "tail", len(tail), bytes(tail))

    def _evidence(self, seen: os.stat_result, kind: Literal["whole", "tail"], size: int, content: bytes) -> Evidence:
        return Evidence(*self._place(seen), kind, size, short_hash(content))

    def _place(self, seen: os.stat_result) -> tuple[int, int, int, str]:
        return seen.st_ino, seen.st_mtime_ns, len(self._head), short_hash(self._head)


def short_hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]
