"""Packed bytes in pieces → their content in pieces of bounded size. Packing is told by the first bytes: names may lie."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from importlib import import_module
from typing import Any, Protocol

from syncflow.errors import ProjectError

_PIECE = 256 * 1024
"""Most bytes of content that are made at once; packed content may be a thousand times smaller."""

_SLICE = 2048
"""Bytes of zstd that are unpacked at once: its library makes all of their content in one go."""

_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"


class DamagedError(Exception):
    """The content is cut off or damaged; the message says which, without data."""


class Unpacker(Protocol):
    is_plain: bool
    """Whether the content is the bytes themselves."""

    def feed(self, block: bytes) -> Iterator[bytes]:
        """Yield the content of the block.

        Raises:
            DamagedError: it cannot be unpacked.
        """
        ...

    def finish(self) -> None:
        """Raise DamagedError where the end is missing."""
        ...


def unpacker_of(first: bytes, name: str) -> Unpacker:
    """Return the unpacker for an object, by its first bytes; a name that says it is packed counts where they are no text.

    Raises:
        ProjectError: the package that unpacks it is not installed.
    """
    ending = name.lower()
    if first.startswith(_GZIP) or (ending.endswith(".gz") and _is_binary(first)):
        return _Gzip()
    if first.startswith(_ZSTD) or (ending.endswith(".zst") and _is_binary(first)):
        return _Zstd()
    return _Plain()


def _is_binary(first: bytes) -> bool:
    head = first[:512]
    return b"\0" in head or (not head.decode("utf-8", "ignore").isprintable() and b"\n" not in head)


class _Plain:
    is_plain = True

    def feed(self, block: bytes) -> Iterator[bytes]:
        for at in range(0, len(block), _PIECE):
            yield block[at : at + _PIECE]

    def finish(self) -> None: ...


class _Gzip:
    """Members in a row are one content."""

    is_plain = False

    def __init__(self) -> None:
        self._member = zlib.decompressobj(wbits=31)
        self._is_between = False

    def feed(self, block: bytes) -> Iterator[bytes]:
        more = True
        while block or more:
            if self._is_between:
                block = block.lstrip(b"\0")  # padding of tapes and blocks
                if not block:
                    return
                self._member, self._is_between = zlib.decompressobj(wbits=31), False
            try:
                piece = self._member.decompress(block, _PIECE)
            except zlib.error:
                raise DamagedError("its gzip content is damaged") from None
            if piece:
                yield piece
            block, more = self._member.unconsumed_tail, len(piece) == _PIECE  # some may wait inside
            if self._member.eof:
                block, self._is_between = self._member.unused_data, True

    def finish(self) -> None:
        if not self._is_between:
            raise DamagedError("its gzip content is cut off")


class _Zstd:
    """Frames in a row are one content."""

    is_plain = False

    def __init__(self) -> None:
        try:
            self._library: Any = import_module("zstandard")
        except ImportError:
            message = "objects packed by zstd need a package that is not installed"
            raise ProjectError(message, hint="pip install 'syncflow[zst]'") from None
        self._frame = self._library.ZstdDecompressor().decompressobj()
        self._is_between = True

    def feed(self, block: bytes) -> Iterator[bytes]:
        for at in range(0, len(block), _SLICE):
            part = block[at : at + _SLICE]
            while part:
                if self._is_between:
                    self._frame, self._is_between = self._library.ZstdDecompressor().decompressobj(), False
                try:
                    piece = self._frame.decompress(part)
                except self._library.ZstdError:
                    raise DamagedError("its zstd content is damaged") from None
                for start in range(0, len(piece), _PIECE):
                    yield piece[start : start + _PIECE]
                part = self._frame.unused_data if self._frame.eof else b""
                self._is_between = self._frame.eof

    def finish(self) -> None:
        if not self._is_between:
            raise DamagedError("its zstd content is cut off")
