"""``changes: diff`` of a file: an export that is written anew gives what is different, and deletes nothing on a doubt."""

from __future__ import annotations

import asyncio
import gzip
import stat
from pathlib import Path
from typing import Any

import orjson
import pytest

from syncflow.compiler.columns import Columns
from syncflow.errors import DataError, ProjectError
from tests.sources.compared.kit import ROWS, Export, export
from tests.sources.sql.kit import told

FORMATS = ["people.jsonl", "people.csv", "people.json"]


def changed(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Change P3, remove P7, add N1."""
    rest = [{**row, "name": "Ada"} if row["id"] == "P3" else row for row in rows if row["id"] != "P7"]
    return [*rest, {"id": "N1", "name": "New", "age": 1}]


@pytest.mark.parametrize("name", FORMATS)
def test_a_pass_gives_new_changed_and_removed_rows_and_no_others(name: str, tmp_path: Path) -> None:
    export(tmp_path, ROWS, name)
    project = Export(tmp_path, name)
    assert told(asyncio.run(project.run())) == [("create", row["id"]) for row in ROWS]
    assert told(asyncio.run(project.run())) == []
    export(tmp_path, changed(ROWS), name)
    assert told(asyncio.run(project.run())) == [("update", "P3"), ("create", "N1"), ("delete", "P7")]
    assert told(asyncio.run(project.run())) == []


@pytest.mark.parametrize("name", FORMATS)
def test_an_event_has_the_shape_of_the_product_and_the_time_of_the_file(name: str, tmp_path: Path) -> None:
    export(tmp_path, ROWS[:2], name, at=600.0)
    raws = asyncio.run(Export(tmp_path, name).run())
    assert orjson.loads(raws[1].body) == {
        "record": "contacts",
        "operation": "create",
        "timestamp": "1970-01-01T00:10:00+00:00",
        "item": {"id": "P1", "name": "Person 1", "age": 1},
    }
    line = {"people.jsonl": 2, "people.csv": 3, "people.json": 7}[name]
    assert tuple(raws[1].position) == ("file:contacts", 1, line, "", 2)


def test_a_file_written_in_the_future_is_of_now_and_a_column_may_tell_the_time(tmp_path: Path) -> None:
    export(tmp_path, [{"id": "P1", "at": "2026-01-02"}], at=9e9)
    (raw,) = asyncio.run(Export(tmp_path).run())
    assert orjson.loads(raw.body)["timestamp"] == "1970-01-01T00:16:40+00:00"
    (tmp_path / "other").mkdir()
    export(tmp_path / "other", [{"id": "P1", "at": "2026-01-02"}])
    (raw,) = asyncio.run(Export(tmp_path / "other", timestamp="at").run())
    assert orjson.loads(raw.body)["timestamp"] == "2026-01-02"


def test_an_integer_of_any_length_is_handed_on_as_it_is_written(tmp_path: Path) -> None:
    (tmp_path / "people.jsonl").write_text('{"id": "P1", "n": 123456789012345678901234567890}\n', "utf-8")
    (raw,) = asyncio.run(Export(tmp_path).run())
    assert b'"item":{"id": "P1", "n": 123456789012345678901234567890}}' in raw.body


@pytest.mark.parametrize("name", FORMATS)
def test_columns_and_rows_in_another_order_are_no_difference(name: str, tmp_path: Path) -> None:
    export(tmp_path, ROWS, name)
    project = Export(tmp_path, name)
    asyncio.run(project.run())
    export(tmp_path, [dict(reversed(row.items())) for row in ROWS[::-1]], name)
    assert told(asyncio.run(project.run())) == []


@pytest.mark.parametrize("name", FORMATS)
def test_a_column_that_nothing_reads_makes_no_event(name: str, tmp_path: Path) -> None:
    export(tmp_path, ROWS, name)
    project = Export(tmp_path, name, columns=Columns(compared=("name",)))
    asyncio.run(project.run())
    export(tmp_path, [{**row, "age": 91} for row in ROWS], name)
    assert told(asyncio.run(project.run())) == []
    export(tmp_path, changed(ROWS), name)
    assert told(asyncio.run(project.run())) == [("update", "P3"), ("create", "N1"), ("delete", "P7")]


def test_other_columns_that_are_read_make_all_rows_due_once(tmp_path: Path) -> None:
    export(tmp_path, ROWS[:3])
    project = Export(tmp_path, columns=Columns(compared=("name",)), guard={"changed": 0.1})
    asyncio.run(project.run())
    project.columns = Columns(compared=("age", "name"))
    assert told(asyncio.run(project.run())) == [("update", "P0"), ("update", "P1"), ("update", "P2")]
    words = "other columns are read than before: all rows are handed out again, once"
    assert [(report.kind, report.words) for report in project.reports] == [("again", words)]
    assert told(asyncio.run(project.run())) == []


def test_a_guard_holds_although_all_rows_are_due(tmp_path: Path) -> None:
    export(tmp_path, ROWS[:10])
    project = Export(tmp_path, columns=Columns(compared=("name",)))
    asyncio.run(project.run())
    project.columns = Columns()
    export(tmp_path, ROWS[:2])
    assert told(asyncio.run(project.run())) == [("update", "P0"), ("update", "P1")]
    assert [report.kind for report in project.reports] == ["again", "guarded"]


@pytest.mark.parametrize("done", [0, 1, 499, 500, 501, 1300])
def test_what_was_not_acknowledged_comes_again_and_nothing_else(done: int, tmp_path: Path) -> None:
    export(tmp_path, ROWS)
    project = Export(tmp_path)
    asyncio.run(project.run(acknowledge=done, most=1))
    assert told(asyncio.run(project.run())) == [("create", row["id"]) for row in ROWS[done:]]


@pytest.mark.parametrize("most", [1, 7, 500, 501, 5000])
def test_the_size_of_a_chunk_changes_nothing(most: int, tmp_path: Path) -> None:
    export(tmp_path, ROWS)
    raws = asyncio.run(Export(tmp_path).run(most=most))
    assert told(raws) == [("create", row["id"]) for row in ROWS]
    assert [raw.position.number for raw in raws] == list(range(1, 1301))


def test_fewer_rows_than_the_guard_allows_delete_nothing_until_it_is_told_to(tmp_path: Path) -> None:
    export(tmp_path, ROWS[:20])
    project = Export(tmp_path, guard={"removed": 0.1})
    asyncio.run(project.run())
    export(tmp_path, ROWS[:17])
    assert told(asyncio.run(project.run())) == []
    words = (
        "3 of 20 known rows are gone, more than guard.removed allows (0.1 of all): the pass was stopped before it; "
        "check the file, or run once with --ignore-guards"
    )
    assert [(report.kind, report.words) for report in project.reports] == [("guarded", words)]
    deletes = [("delete", "P17"), ("delete", "P18"), ("delete", "P19")]
    assert told(asyncio.run(project.run(ignore_guards=True))) == deletes


CUT = {
    "row": (
        "people.jsonl",
        "".join(f'{{"id": "P{number}"}}\n' for number in range(18)) + '{"id": "P1',
        "ends inside a row",
    ),
    "line": (
        "people.csv",
        "id\n" + "\n".join(f"P{number}" for number in range(19)),
        "does not end with a line break, which the file before did",
    ),
    "array": (
        "people.json",
        "[" + ",".join(f'{{"id": "P{number}"}}' for number in range(19)),
        "ends inside its array",
    ),
}


@pytest.mark.parametrize(("name", "text", "why"), CUT.values(), ids=CUT)
def test_a_file_that_is_not_written_to_its_end_deletes_nothing(name: str, text: str, why: str, tmp_path: Path) -> None:
    rows = [{"id": row["id"]} for row in ROWS[:20]]
    export(tmp_path, rows, name)
    project = Export(tmp_path, name)
    asyncio.run(project.run())
    (tmp_path / name).write_text(text, "utf-8")
    assert told(asyncio.run(project.run())) == []
    words = f"{name} {why}: rows may be missing, so nothing is deleted"
    assert [(report.kind, report.words) for report in project.reports] == [("guarded", words)]
    export(tmp_path, rows[:19], name)
    assert told(asyncio.run(project.run())) == [("delete", "P19")]


def test_a_writer_that_ends_no_last_line_is_taken_at_its_word(tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text("id,name\nP1,Ada\nP2,Bob", "utf-8")
    project = Export(tmp_path, "people.csv", guard={"removed": 1.0})
    assert told(asyncio.run(project.run())) == [("create", "P1"), ("create", "P2")]
    (tmp_path / "people.csv").write_text("id,name\nP1,Ada", "utf-8")
    assert told(asyncio.run(project.run())) == [("delete", "P2")]
    assert not project.reports


def test_a_packed_file_that_is_cut_off_is_one_clear_error(tmp_path: Path) -> None:
    rows = b"".join(orjson.dumps(row) + b"\n" for row in ROWS)
    (tmp_path / "people.jsonl.gz").write_bytes(gzip.compress(rows))
    project = Export(tmp_path, "people.jsonl.gz")
    assert len(asyncio.run(project.run())) == 1300
    (tmp_path / "people.jsonl.gz").write_bytes(gzip.compress(rows)[:-9])
    with pytest.raises(DataError) as caught:
        asyncio.run(project.run())
    path = tmp_path / "people.jsonl.gz"
    assert caught.value.message == (
        f"{path} cannot be read: it ends in the middle: it was cut off, or is still being written"
    )
    assert caught.value.hint == "is it written to its end?"


def test_a_file_that_grows_while_it_is_read_deletes_nothing(tmp_path: Path) -> None:
    export(tmp_path, ROWS)
    project = Export(tmp_path)
    asyncio.run(project.run())
    export(tmp_path, [{**row, "name": "Ada"} for row in ROWS[:1200]])

    async def main() -> list[tuple[str, Any]]:
        source = project.source()
        await source.open(project.positions)
        found = [*await source.read(most=10)]
        with (tmp_path / "people.jsonl").open("a", encoding="utf-8") as file:
            file.write('{"id": "N1"}\n')
        while chunk := await source.read(most=1000):
            found += chunk
        project.reports += source.reports()  # type: ignore[attr-defined]
        await source.close()
        return told(found)

    assert {operation for operation, _ in asyncio.run(main())} <= {"update", "create"}
    words = "people.jsonl was written to while it was read: rows may be missing, so nothing is deleted"
    assert [(report.kind, report.words) for report in project.reports] == [("guarded", words)]


def test_two_rows_of_one_key_are_a_clear_error_and_a_row_without_one_is_a_dead_letter(tmp_path: Path) -> None:
    export(tmp_path, [{"id": "P1"}, {"id": None}, {"name": "x"}, {"id": ["P2"]}, {"id": "P3"}])
    project = Export(tmp_path)
    raws = asyncio.run(project.run())
    words = "the key column id holds no value: no record can be told from the row"
    assert [raw.broken for raw in raws] == ["", words, words, words, ""]
    assert asyncio.run(project.run()) == []
    export(tmp_path, [{"id": "P1"}, {"id": "P3"}, {"id": "P1", "name": "Twin"}])
    with pytest.raises(DataError) as caught:
        asyncio.run(project.run())
    assert caught.value.message == (
        "several rows of the file have one key (id): which of them is meant cannot be known"
    )


def test_what_is_no_row_is_one_dead_letter_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "people.jsonl").write_text('{"id": "P1"}\n[1]\n{"id": \n{"id": "P2"}\n', "utf-8")
    raws = asyncio.run(Export(tmp_path).run())
    words = "no JSON object: a row is an object, its columns by their names"
    assert [(raw.position.line, raw.broken) for raw in raws] == [(1, ""), (2, words), (3, words), (4, "")]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        (
            "people.jsonl",
            '{"uid": "P1", "name": "x"}\n',
            "no row of people.jsonl has the key (id); the first has uid, name",
        ),
        ("none.csv", "", "source.file.path: there is no file {folder}/none.csv"),
        ("out/*.csv", "", "source.file.path: no file matches out/*.csv"),
    ],
    ids=["key", "file", "pattern"],
)
def test_a_file_that_cannot_be_used_is_one_clear_error(name: str, text: str, message: str, tmp_path: Path) -> None:
    if text:
        (tmp_path / name).write_text(text, "utf-8")
    with pytest.raises(ProjectError) as caught:
        asyncio.run(Export(tmp_path, name).run())
    assert caught.value.message == message.format(folder=tmp_path)
    assert caught.value.hint


def test_of_a_pattern_the_newest_file_is_compared(tmp_path: Path) -> None:
    export(tmp_path, ROWS[:10], "a.csv", at=900)
    export(tmp_path, ROWS[:3], "b.csv", at=800)
    project = Export(tmp_path, "*.csv", guard={"removed": 1.0})
    assert len(asyncio.run(project.run())) == 10
    export(tmp_path, ROWS[1:10], "c.csv", at=900)
    assert told(asyncio.run(project.run())) == [("delete", "P0")]
    words = ["*.csv: the newest is a.csv", "*.csv: the newest is c.csv"]
    assert [report.words for report in project.reports] == words


def test_what_was_seen_is_for_its_owner_alone_and_holds_no_row(tmp_path: Path) -> None:
    export(tmp_path, ROWS[:2])
    asyncio.run(Export(tmp_path).run())
    kept = tmp_path / ".syncflow" / "journal.file-contacts.db"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert b"Person 1" not in kept.read_bytes()


def test_a_file_that_is_replaced_while_it_is_read_is_whole_all_the_same(tmp_path: Path) -> None:
    export(tmp_path, ROWS)
    project = Export(tmp_path)
    asyncio.run(project.run())
    export(tmp_path, [{**row, "name": "Ada"} for row in ROWS[:1299]])

    async def main() -> list[tuple[str, Any]]:
        source = project.source()
        await source.open(project.positions)
        found = [*await source.read(most=10)]
        export(tmp_path, ROWS[:1200], "next.jsonl")
        (tmp_path / "next.jsonl").rename(tmp_path / "people.jsonl")
        while chunk := await source.read(most=1000):
            found += chunk
        await source.close()
        return told(found)

    assert asyncio.run(main())[-1] == ("delete", "P1299")
