"""What the bytes of an object are read as: packed or not, whole or cut off, lines, documents, rows, Parquet."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import orjson
import pytest
import zstandard

from syncflow.compiler.columns import ColumnReader, Columns
from syncflow.errors import ProjectError
from syncflow.events import Raw
from syncflow.sources.base import Report
from syncflow.sources.objects.unpacking import DamagedError, unpacker_of
from tests.sources.kit import read_all, take
from tests.sources.objects.kit import MemoryBucket, lines, source_of

MANY = lines(*range(40_000))


def read(content: bytes, name: str, *, wanted: Columns | None = None, **settings: Any) -> list[Raw]:
    bucket = MemoryBucket()
    bucket.put(name, content)
    return asyncio.run(read_all(source_of(bucket, wanted=wanted, **settings)))


def zst(content: bytes) -> bytes:
    return zstandard.ZstdCompressor().compress(content)


@pytest.mark.parametrize(
    ("name", "content", "bodies"),
    [
        ("a.jsonl", b'{"n": 1}\n{"n": 2}', [b'{"n": 1}', b'{"n": 2}']),
        ("a.ndjson", b'{"n": 1}\n', [b'{"n": 1}']),
        ("part-0000", b'{"n": 1}\n', [b'{"n": 1}']),
        ("a.json", b'[{"n": 1},\n {"n": 2}]', [b'{"n": 1}', b'{"n": 2}']),
        ("a.csv", b"n,m\n1,2\n", [b'{"n":"1","m":"2"}']),
        ("a.tsv", b"n\tm\n1\t2\n", [b'{"n":"1","m":"2"}']),
        ("a.jsonl.gz", gzip.compress(lines(1)), [b'{"n": 1}']),
        ("A.CSV.GZ", gzip.compress(b"n\n1\n"), [b'{"n":"1"}']),
        ("a.json.zst", zst(b'[{"n": 1}]'), [b'{"n": 1}']),
        ("firehose-2026", gzip.compress(lines(1)), [b'{"n": 1}']),
        ("unpacked-on-the-way.jsonl.gz", lines(1), [b'{"n": 1}']),
        ("members.jsonl.gz", gzip.compress(lines(1)) + gzip.compress(lines(2)), [b'{"n": 1}', b'{"n": 2}']),
        ("frames.jsonl.zst", zst(lines(1)) + zst(lines(2)), [b'{"n": 1}', b'{"n": 2}']),
        ("filled-up.jsonl.gz", gzip.compress(lines(1)) + b"\0" * 100, [b'{"n": 1}']),
        ("blank.jsonl", b"\n \n", []),
        ("mark.jsonl", b'\xef\xbb\xbf{"n": 1}\n', [b'{"n": 1}']),
    ],
)
def test_an_object_is_read_as_its_name_and_its_first_bytes_say(name: str, content: bytes, bodies: list[bytes]) -> None:
    raws = read(content, name)
    assert ([raw.body for raw in raws], [raw.broken for raw in raws]) == (bodies, [""] * len(bodies))


@pytest.mark.parametrize("pack", [gzip.compress, zst], ids=["gz", "zst"])
def test_a_packed_object_that_is_cut_off_gives_all_that_is_whole_and_one_dead_letter(
    pack: Callable[[bytes], bytes],
) -> None:
    whole = pack(MANY)
    kind = "gzip" if pack is gzip.compress else "zstd"
    raws = read(whole[: len(whole) // 2], "a.jsonl")
    assert len(raws) > 1000 or kind == "zstd"  # zstd gives its blocks whole
    assert [orjson.loads(raw.body)["n"] for raw in raws[:-1]] == list(range(len(raws) - 1))
    assert [raw.broken for raw in raws if raw.broken] == [f"exports/a.jsonl: its {kind} content is cut off"]
    assert raws[-1].position > raws[-2].position


def test_a_packed_object_that_is_damaged_gives_what_stands_before_it_and_one_dead_letter() -> None:
    content = bytearray(gzip.compress(MANY))
    content[len(content) // 2 : len(content) // 2 + 200] = b"\xff" * 200
    raws = read(bytes(content), "a.jsonl.gz")
    assert [raw.broken for raw in raws if raw.broken] == ["exports/a.jsonl.gz: its gzip content is damaged"]
    assert len(raws) > 1000


def test_what_is_called_packed_and_is_not_is_one_dead_letter() -> None:
    (raw,) = read(bytes(range(256)) * 40, "a.jsonl.gz")
    assert raw.broken == "exports/a.jsonl.gz: its gzip content is damaged"


@pytest.mark.parametrize("cut", [1, 5, 60, 61, 200])
def test_a_row_that_is_cut_off_with_its_object_is_not_taken_for_a_row(cut: int) -> None:
    content = gzip.compress(b"id,amount\n" + b"".join(b"%d,%d\n" % (n, n * 1000) for n in range(5_000)))
    raws = read(content[:-cut], "a.csv.gz")
    whole = [orjson.loads(raw.body) for raw in raws if not raw.broken]
    assert whole == [{"id": str(n), "amount": str(n * 1000)} for n in range(len(whole))]
    assert [raw.broken for raw in raws if raw.broken] == ["exports/a.csv.gz: its gzip content is cut off"]


def test_packed_content_is_unpacked_in_pieces_of_bounded_size() -> None:
    for packed in (gzip.compress(b"\0" * 50_000_000), zst(b"\0" * 50_000_000)):
        unpacker = unpacker_of(packed, "a")
        sizes = [len(piece) for piece in unpacker.feed(packed)]
        unpacker.finish()
        assert (sum(sizes), max(sizes)) == (50_000_000, 256 * 1024)


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
def test_packed_content_may_come_in_blocks_of_any_size(size: int) -> None:
    for packed in (gzip.compress(MANY[:5000]) * 2, zst(MANY[:5000]) * 2):
        unpacker = unpacker_of(packed, "a")
        found = b"".join(piece for at in range(0, len(packed), size) for piece in unpacker.feed(packed[at : at + size]))
        unpacker.finish()
        assert found == MANY[:5000] * 2


def test_an_unfinished_member_is_not_the_end() -> None:
    packed = gzip.compress(lines(1))
    unpacker = unpacker_of(packed, "a")
    list(unpacker.feed(packed[:-1]))
    with pytest.raises(DamagedError, match=r"\Aits gzip content is cut off\Z"):
        unpacker.finish()


def test_an_unknown_name_with_content_that_is_no_text_is_refused() -> None:
    with pytest.raises(ProjectError) as caught:
        read(b"PK\x03\x04" + bytes(100), "part-0000")
    assert caught.value.message == "exports/part-0000 is an Excel workbook (or another zip archive), expected text"


def test_settings_of_rows_are_those_of_a_file() -> None:
    (raw,) = read(
        "1;Zoë;NULL\n".encode("cp1252"),
        "a.txt",
        format="csv",
        delimiter=";",
        columns=("id", "name", "x"),
        null_text="NULL",
    )
    assert orjson.loads(raw.body) == {"id": "1", "name": "Zoë", "x": None}


def test_a_line_longer_than_max_event_is_one_dead_letter() -> None:
    raws = read(b'{"n": "%s"}\n{"n": 2}\n' % (b"x" * 6_000_000), "a.jsonl")
    assert [raw.broken for raw in raws] == ["longer than max_event, which is 1000000 bytes", ""]


# -- Parquet -----------------------------------------------------------------------------------------------------------------


def parquet(folder: Path, query: str, *, options: str = "") -> bytes:
    path = folder / "made.parquet"
    duckdb.connect().execute(f"COPY ({query}) TO '{path}' (FORMAT parquet{options})")
    return path.read_bytes()


def test_parquet_gives_a_row_an_event_with_the_types_of_the_table(tmp_path: Path) -> None:
    content = parquet(
        tmp_path,
        "SELECT 9007199254740993::BIGINT AS big, 18446744073709551615::UBIGINT AS huge, 1.10::DECIMAL(10,2) AS short,"
        " 12345678901234567890.12::DECIMAL(38,2) AS long, 1.5::DOUBLE AS float, true AS yes, DATE '2026-03-01' AS day,"
        " TIME '10:30:00' AS time, TIMESTAMP '2026-03-01 10:30:00.5' AS moment, TIMESTAMPTZ '2026-03-01 10:30:00+02' AS zoned,"
        " INTERVAL '1 day 2 hours' AS span, 'abc'::BLOB AS bytes, '1b4db7eb-4057-5ddf-91e0-36dec72071f5'::UUID AS uuid,"
        " {'a': 1, 'b': [1, 2]} AS struct, MAP {'k': 1} AS map, ['x', NULL] AS list, NULL::INTEGER AS nothing",
    )
    (raw,) = read(content, "a.parquet")
    assert orjson.loads(raw.body) == {
        "big": 9007199254740993, "huge": 18446744073709551615, "short": 1.1, "long": "12345678901234567890.12", "float": 1.5,
        "yes": True, "day": "2026-03-01", "time": "10:30:00", "moment": "2026-03-01T10:30:00.500000",
        "zoned": "2026-03-01T08:30:00+00:00", "span": "P1DT2H", "bytes": "YWJj", "uuid": "1b4db7eb-4057-5ddf-91e0-36dec72071f5",
        "struct": {"a": 1, "b": [1, 2]}, "map": {"k": 1}, "list": ["x", None], "nothing": None,
    }  # fmt: skip
    assert raw.meta is not None
    assert (raw.meta["object"], raw.meta["row"]) == ("exports/a.parquet", 1)


def test_parquet_is_known_by_its_first_bytes(tmp_path: Path) -> None:
    (raw,) = read(parquet(tmp_path, "SELECT 1 AS n"), "part-0000")
    assert raw.body == b'{"n":1}'


def test_only_the_columns_that_are_read_are_taken_out_of_parquet(tmp_path: Path) -> None:
    wanted = Columns(readers=(ColumnReader("b", "m.yaml:1 (B)"),))
    content = parquet(tmp_path, 'SELECT 1 AS a, 2 AS b, 3 AS "odd "" name"')
    assert [raw.body for raw in read(content, "a.parquet", wanted=wanted)] == [b'{"b":2}']
    assert [raw.body for raw in read(content, "a.parquet")] == [b'{"a":1,"b":2,"odd \\" name":3}']


def test_a_column_that_is_read_and_missing_in_parquet_is_an_error_or_null(tmp_path: Path) -> None:
    wanted = Columns(readers=(ColumnReader("b", "m.yaml:1 (B)"),))
    content = parquet(tmp_path, "SELECT 1 AS a, 2 AS c")
    with pytest.raises(ProjectError) as caught:
        read(content, "a.parquet", wanted=wanted)
    assert caught.value.message == "exports/a.parquet: the header has no column `b`, which m.yaml:1 (B) reads"
    raws = read(content, "a.parquet", wanted=wanted, missing_columns="null")
    assert [raw.body for raw in raws] == [b'{"a":1,"c":2,"b":null}']


def test_a_value_of_parquet_that_json_cannot_write_costs_its_row(tmp_path: Path) -> None:
    content = parquet(tmp_path, "SELECT 1 AS n, 'NaN'::DOUBLE AS x UNION ALL SELECT 2, 1.5")
    bad, good = read(content, "a.parquet")
    assert bad.broken == "the value of the column x cannot be written as JSON: it is infinite or no number"
    assert good.body == b'{"n":2,"x":1.5}'


def test_parquet_that_is_cut_off_is_one_dead_letter_that_names_the_object(tmp_path: Path) -> None:
    content = parquet(tmp_path, "SELECT range AS n FROM range(10000)")
    (raw,) = read(content[:-100], "a.parquet")
    assert raw.broken == "exports/a.parquet: it is no whole Parquet file: it is cut off or damaged"


def test_parquet_that_is_damaged_gives_the_row_groups_before_and_one_dead_letter(tmp_path: Path) -> None:
    content = bytearray(
        parquet(
            tmp_path,
            "SELECT range AS n, repeat('name ' || range, 20) AS h FROM range(40000)",
            options=", ROW_GROUP_SIZE 4096",
        )
    )
    content[len(content) // 2 : len(content) // 2 + 4000] = b"\xff" * 4000
    raws = read(bytes(content), "a.parquet")
    assert [raw.broken for raw in raws if raw.broken] == ["exports/a.parquet: its Parquet content is damaged"]
    assert len(raws) == 4 * 4096 + 1
    assert [orjson.loads(raw.body)["n"] for raw in raws[:-1]] == list(range(len(raws) - 1))


def test_a_run_goes_on_in_the_middle_of_parquet(tmp_path: Path) -> None:
    bucket = MemoryBucket()
    bucket.put("a.parquet", parquet(tmp_path, "SELECT range AS n FROM range(3000)"))

    async def runs() -> None:
        source = source_of(bucket, tmp_path)
        await source.open({})
        last = (await take(source, 1234))[-1].position
        await source.close()
        rest = await read_all(source_of(bucket, tmp_path), {"objects": last})
        assert [orjson.loads(raw.body)["n"] for raw in rest] == list(range(1234, 3000))

    asyncio.run(runs())


def test_what_was_found_out_about_objects_is_said_once() -> None:
    bucket = MemoryBucket()
    for name in "abc":
        bucket.put(f"{name}.csv", b"n;m\n1;2\n")
    source = source_of(bucket)
    asyncio.run(read_all(source))
    assert source.reports() == [Report("read", "exports/a.csv: its delimiter is ;")]


def test_a_reading_of_parquet_may_be_given_up_at_any_moment(tmp_path: Path) -> None:
    bucket = MemoryBucket()
    bucket.put("a.parquet", parquet(tmp_path, "SELECT range AS n, repeat('x', 500) AS text FROM range(60000)"))

    async def given_up(turns: int) -> None:
        source = source_of(bucket)
        await source.open({})
        reading = asyncio.ensure_future(source.read(most=500))
        for _ in range(turns):
            await asyncio.sleep(0.001)
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        await source.close()

    for turns in range(0, 30, 3):
        asyncio.run(given_up(turns))
