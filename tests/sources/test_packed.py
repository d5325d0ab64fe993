"""Compressed content by its offsets, whatever the library can do."""

from __future__ import annotations

import io
import zlib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from syncflow.errors import ProjectError
from syncflow.sources.packed import Unpacked, zstd
from tests.sources.kit import write

TEXT = b"".join(b"%d\n" % number for number in range(2000))


class Damaged(Exception):  # noqa: N818  # as the library's
    """The fake library's own error."""


class OnePass:
    """A fake pass: a few bytes at a time, forwards only."""

    def __init__(self, file: io.FileIO) -> None:
        try:
            self._content = io.BytesIO(zlib.decompress(file.read()))
        except zlib.error as error:
            raise Damaged("no frame here") from error

    def read(self, size: int, /) -> bytes:
        return self._content.read(min(size, 7))


class BrokenPass:
    def read(self, size: int, /) -> bytes:
        raise Damaged("the frame is damaged")


def unpacked(path: Path) -> Unpacked:
    return Unpacked(io.FileIO(path), begin=OnePass)


def test_content_is_read_at_any_place(tmp_path: Path) -> None:
    content = unpacked(write(tmp_path / "a.zst", zlib.compress(TEXT)))
    assert content.seek(0, io.SEEK_END) == len(TEXT)
    for offset in (0, 500, 13, 13, len(TEXT) - 1, len(TEXT), 4):
        content.seek(offset)
        assert content.read(100) == TEXT[offset : offset + 100]


def test_a_damaged_file_is_an_error_of_the_disk() -> None:
    library = SimpleNamespace(
        ZstdError=Damaged,
        ZstdDecompressor=lambda: SimpleNamespace(stream_reader=lambda file, **_: BrokenPass()),
    )
    begin = zstd(load=lambda name: library)
    with pytest.raises(OSError, match="the frame is damaged"):
        begin(io.FileIO(__file__)).read(1)


def test_a_missing_package_is_told_with_the_line_that_installs_it() -> None:
    def load(name: str) -> Any:
        raise ImportError(name)

    with pytest.raises(ProjectError) as caught:
        zstd(load=load)
    assert (caught.value.message, caught.value.hint) == (
        "files called .zst need a package that is not installed",
        "pip install 'syncflow[zst]'",
    )
