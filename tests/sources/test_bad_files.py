"""Files that are not what they should be: read, or one clear error with its place, in bounded memory and time."""

from __future__ import annotations

import asyncio
import gzip
import io
import json
import tracemalloc
import zipfile
from pathlib import Path

import pytest

from syncflow.config.models.routes import FileSource
from syncflow.errors import ProjectError, UnavailableError
from syncflow.events import Raw
from syncflow.sources.file import File
from syncflow.sources.watched import FilePlan
from tests.sources.kit import StepClock, read_all, write


def read(folder: Path, content: bytes, *, max_event: int = 1_000_000) -> list[Raw]:
    write(folder / "people.csv", content)
    return asyncio.run(
        read_all(
            File(FilePlan(settings=FileSource(path="people.csv", max_event=max_event), base=folder, clock=StepClock()))
        )
    )


def workbook() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
    return packed.getvalue()


FOREIGN = {
    "xlsx": (workbook(), "people.csv is an Excel workbook (or another zip archive), expected text"),
    "xls": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(500), "people.csv is an Excel workbook, expected text"),
    "gzip": (b"\x1f\x8b\x08\x00" + bytes(20), "people.csv is compressed by gzip, expected text"),
    "a web page": (b"<!DOCTYPE html>\n<html>sign in</html>\n", "people.csv is HTML or XML, expected CSV"),
    "UTF-32": ("a,b\n1,2\n".encode("utf-32"), "people.csv is UTF-32, expected text"),
}


@pytest.mark.parametrize(("content", "message"), FOREIGN.values(), ids=FOREIGN.keys())
def test_a_file_that_is_no_csv_is_one_error(content: bytes, message: str, tmp_path: Path) -> None:
    with pytest.raises(ProjectError) as caught:
        read(tmp_path, content)
    assert caught.value.message == message


DAMAGED = {
    "not compressed": (b"a,b\n1,2\n", "it is not compressed by gzip, though its name says so"),
    "cut off": (gzip.compress(b"a,b\n" + b"1,2\n" * 5_000)[:40], "it ends in the middle: it was cut off, or is still being written"),
    "damaged": (gzip.compress(b"a,b\n1,2\n")[:-8] + bytes(8), "its compressed content is damaged"),
}  # fmt: skip


@pytest.mark.parametrize(("content", "why"), DAMAGED.values(), ids=DAMAGED.keys())
def test_a_compressed_file_that_cannot_be_unpacked_says_why(content: bytes, why: str, tmp_path: Path) -> None:
    """In words of ours: those of the library hold the first bytes of the file."""
    write(tmp_path / "people.csv.gz", content)
    plan = FilePlan(settings=FileSource(path="people.csv.gz", format="csv"), base=tmp_path, clock=StepClock())
    with pytest.raises(UnavailableError) as caught:
        asyncio.run(read_all(File(plan)))
    assert caught.value.message == f"{tmp_path / 'people.csv.gz'} cannot be read: {why}"


def test_a_change_to_another_encoding_costs_the_lines_in_it_and_says_where(tmp_path: Path) -> None:
    utf8, windows = "é,1\n".encode(), "é,2\n".encode("cp1252")
    later = read(tmp_path, b"a,b\n" + utf8 * 3 + windows + b"x,3\n")
    assert [(raw.position.line, raw.broken) for raw in later if raw.broken] == [(5, "not UTF-8 at byte 1 of the line")]
    first = read(tmp_path, b"a,b\n" + windows * 3 + utf8 + b"x,3\n")
    assert [(raw.position.line, raw.broken) for raw in first if raw.broken] == [
        (5, "UTF-8, in a file that was windows-1252 before")
    ]
    assert len(first) == len(later) == 5


def test_a_file_of_ten_thousand_columns_is_read(tmp_path: Path) -> None:
    header, row = ",".join(f"c{n}" for n in range(10_000)), ",".join(map(str, range(10_000)))
    found = read(tmp_path, f"{header}\n{row}\n{row}\n".encode())
    assert [len(json.loads(raw.body)) for raw in found] == [10_000, 10_000]


CELLS = {
    "plain": (b"1," + b"x" * 50_000_000, "longer than max_event, which is 1000000 bytes"),
    "quoted": (
        b'1,"' + (b"x" * 49 + b"\n") * 1_000_000 + b'"',
        "a quote opens in this line and is not closed",
    ),
}


@pytest.mark.parametrize(("cell", "why"), CELLS.values(), ids=CELLS.keys())
def test_a_cell_of_fifty_megabytes_is_refused_in_bounded_memory(cell: bytes, why: str, tmp_path: Path) -> None:
    write(tmp_path / "people.csv", b"a,b\n" + cell + b"\n3,4\n")
    source = File(FilePlan(settings=FileSource(path="people.csv"), base=tmp_path, clock=StepClock()))

    async def first() -> list[Raw]:
        await source.open({})
        found = list(await source.read(most=2))
        await source.close()
        return found

    tracemalloc.start()
    found = asyncio.run(first())
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (found[0].position.line, found[0].broken) == (2, why)
    assert peak < 40_000_000
    assert why.startswith("a quote") or json.loads(found[1].body) == {"a": "3", "b": "4"}


def test_an_open_quote_does_not_swallow_the_rows_behind_it(tmp_path: Path) -> None:
    rows = b"".join(b'%d,"x%d"\n' % (n, n) for n in range(200))
    broken, *others = read(tmp_path, b'a,b\n0,"open\n' + rows)
    assert (broken.position.line, broken.broken) == (2, "a quote opens in this line and is not closed")
    assert [json.loads(raw.body)["a"] for raw in others] == [str(n) for n in range(200)]


def test_many_open_quotes_cost_one_row_each(tmp_path: Path) -> None:
    found = read(tmp_path, b"a,b\nx,y\n" + b'1,"open\n' * 3000, max_event=2000)
    assert len(found) == 3000  # the last one may still be written, and is left
    assert {raw.broken for raw in found[1:]} == {"a quote opens in this line and is not closed"}


def test_halves_of_surrogate_pairs_are_refused_with_their_place(tmp_path: Path) -> None:
    eight = read(tmp_path, b"a,b\n1,\xed\xa0\x80\n\xc3\xa9,2\n3,4\n")
    assert [(raw.position.line, raw.broken) for raw in eight if raw.broken] == [(2, "not UTF-8 at byte 3 of the line")]
    wide = "\ufeffa,b\n1,".encode("utf-16-le") + b"\x00\xd8" + "\n3,4\n".encode("utf-16-le")
    assert [(raw.position.line, raw.broken) for raw in read(tmp_path, wide) if raw.broken] == [
        (2, "not UTF-16 at byte 5 of the line")
    ]
    assert json.loads(read(tmp_path, wide)[-1].body) == {"a": "3", "b": "4"}


def test_nul_bytes_in_a_cell_are_text(tmp_path: Path) -> None:
    (raw,) = read(tmp_path, b"a,b\n1,x\0y\n")
    assert json.loads(raw.body) == {"a": "1", "b": "x\0y"}
