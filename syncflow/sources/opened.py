"""A regular file that was opened for reading, plain or compressed by gzip or zstd."""

from __future__ import annotations

import gzip
import io
import os
import stat
import zlib
from io import FileIO
from pathlib import Path

from syncflow.errors import ProjectError, UnavailableError
from syncflow.sources.packed import Unpacked, zstd

COMPRESSED = (".gz", ".zst")
"""Endings of names whose files are unpacked while they are read."""
_DAMAGED = (OSError, EOFError, zlib.error)


class OpenFile:
    """One open file with a place to read on from. Offsets of a compressed one are those of its content."""

    def __init__(self, path: Path, file: FileIO) -> None:
        self.path = path
        self._file = file
        self._unpacked = _unpacked(path, file)
        self.offset = 0

    @property
    def stat(self) -> os.stat_result:
        """How it stands now, also where it is not at its path any more."""
        return os.fstat(self._file.fileno())

    @property
    def size(self) -> int:
        """How many bytes its content has now. A compressed one is unpacked for this, in little memory; raises like ``read``."""
        if self._unpacked is None:
            return self.stat.st_size
        try:
            return self._unpacked.seek(0, io.SEEK_END)
        except _DAMAGED as error:
            raise self._damaged(error) from error

    def read(self, size: int) -> bytes:
        """Return what follows, at most ``size`` bytes; empty at the end.

        Raises:
            UnavailableError: the disk fails, or a compressed file is damaged.
        """
        block = self.read_at(self.offset, size)
        self.offset += len(block)
        return block

    def read_at(self, offset: int, size: int) -> bytes:
        """Return at most ``size`` bytes from a place; raises like ``read``."""
        try:
            if self._unpacked is None:
                return os.pread(self._file.fileno(), size, offset)
            self._unpacked.seek(offset)
            return self._unpacked.read(size)
        except _DAMAGED as error:
            raise self._damaged(error) from error

    def _damaged(self, error: Exception) -> UnavailableError:
        why = getattr(error, "strerror", None) or _damage(error)
        return UnavailableError(f"{self.path} cannot be read: {why}")

    def data_begins_at(self) -> int:
        """Return where the first byte is that is not NUL: a writer that goes on at its old place leaves a hole before it."""
        if self._unpacked is not None or self.read_at(0, 1) != b"\0":
            return 0
        at = self._after_hole()
        while block := self.read_at(at, io.DEFAULT_BUFFER_SIZE):
            rest = block.lstrip(b"\0")
            if rest:
                return at + len(block) - len(rest)
            at += len(block)
        return at

    def _after_hole(self) -> int:
        try:
            return os.lseek(self._file.fileno(), 0, os.SEEK_DATA)
        except OSError:  # nothing but a hole, or a file system that does not tell
            return 0

    def count_lines(self, end: int, *, newline: bytes = b"\n") -> int:
        """Count the line breaks before a place; about 1 GB in half a second."""
        count = at = 0
        while at < end and (block := self.read_at(at, min(256 * 1024, end - at))):
            count += block.count(newline)
            at += len(block)
        return count

    def close(self) -> None:
        self._file.close()


def _unpacked(path: Path, file: FileIO) -> gzip.GzipFile | Unpacked | None:
    ending = path.suffix.lower()
    if ending == ".gz":
        return gzip.GzipFile(fileobj=file)
    return Unpacked(file, begin=zstd()) if ending == ".zst" else None


def open_file(path: Path) -> OpenFile:
    """Open the file that the settings name.

    Raises:
        ProjectError: there is none, it is none, or it cannot be opened.
    """
    try:
        kind = path.stat().st_mode
        if stat.S_ISDIR(kind):
            raise ProjectError(f"source.file.path: {path} is a directory, expected a file")
        if not stat.S_ISREG(kind):
            hint = "set source: {stdin: {}} and give the stream on standard input"
            raise ProjectError(f"source.file.path: {path} is not a regular file", hint=hint)
        return OpenFile(path, _opened(path))
    except FileNotFoundError as error:
        hint = "a path is relative to the file that names it"
        raise ProjectError(f"source.file.path: there is no file {path}", hint=hint) from error
    except OSError as error:
        raise ProjectError(f"source.file.path: {path} cannot be opened: {error.strerror}") from error


def try_open(path: Path) -> OpenFile | None:
    """Open a regular file; None where that cannot be done, or what would unpack it is not installed."""
    try:
        return OpenFile(path, _opened(path)) if path.is_file() else None
    except (OSError, ProjectError):
        return None


def _opened(path: Path) -> FileIO:
    """Never waits: what became a pipe since it was looked at is refused."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(0, "it is not a regular file")
    return FileIO(descriptor)


def _damage(error: Exception) -> str:
    """Say what is wrong with a compressed file; what Python says of one holds its first bytes."""
    if isinstance(error, EOFError):
        return "it ends in the middle: it was cut off, or is still being written"
    if isinstance(error, gzip.BadGzipFile) and "Not a gzipped file" in str(error):
        return "it is not compressed by gzip, though its name says so"
    return "its compressed content is damaged"
