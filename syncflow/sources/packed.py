"""Content of a compressed file by its offsets, where the library reads forwards only: going back begins anew.

zstd is an extra (``syncflow[zst]``); the library is found when the first such file is opened.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from io import SEEK_END, FileIO
from typing import Any, Protocol

from syncflow.errors import ProjectError

_BLOCK = 1024 * 1024


class Unpacker(Protocol):
    """One pass over the content of a compressed file."""

    def read(self, size: int, /) -> bytes:
        """Return what follows, at most ``size`` bytes; empty at the end."""
        ...


class Unpacked:
    """Reads and seeks like a file. ``begin`` starts a pass at the file's beginning; it and its reads raise OSError for a damaged one."""

    def __init__(self, file: FileIO, *, begin: Callable[[FileIO], Unpacker]) -> None:
        self._file = file
        self._begin = begin
        self._pass: Unpacker | None = None
        self._at = 0

    def seek(self, offset: int, whence: int = 0) -> int:
        """Go to a place, which is read up to; with ``SEEK_END`` to the end. Return the place."""
        if whence == SEEK_END:
            while self.read(_BLOCK):
                pass
            return self._at
        if offset < self._at:
            self._pass = None
        while self._place < offset and self.read(min(_BLOCK, offset - self._place)):
            pass
        return self._at

    @property
    def _place(self) -> int:
        return self._at if self._pass is not None else 0

    def read(self, size: int) -> bytes:
        if self._pass is None:
            self._file.seek(0)
            self._pass, self._at = self._begin(self._file), 0
        found = b""
        while len(found) < size and (block := self._pass.read(size - len(found))):
            found += block
        self._at += len(found)
        return found


def zstd(*, load: Callable[[str], Any] = import_module) -> Callable[[FileIO], Unpacker]:
    """Return what begins a pass over a file compressed by zstd.

    Raises:
        ProjectError: the extra is not installed.
    """
    try:
        library = load("zstandard")
    except ImportError:
        message = "files called .zst need a package that is not installed"
        raise ProjectError(message, hint="pip install 'syncflow[zst]'") from None

    def begin(file: FileIO) -> Unpacker:
        return _Zstd(
            library.ZstdDecompressor().stream_reader(file, read_across_frames=True, closefd=False), library.ZstdError
        )

    return begin


class _Zstd:
    def __init__(self, stream: Unpacker, damaged: type[Exception]) -> None:
        self._stream = stream
        self._damaged = damaged

    def read(self, size: int, /) -> bytes:
        try:
            return self._stream.read(size)
        except self._damaged as error:
            raise OSError(0, str(error)) from error
