"""What the tests of compared files share: an export in a folder, and a source that remembers between two runs."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson

from syncflow.compiler.columns import CellType, Columns
from syncflow.config.models.routes import FileSource
from syncflow.config.models.sources import SourceSettings
from syncflow.sources import ReadOptions, Source, Surroundings, open_source
from tests.sources.kit import CONTACT, StepClock
from tests.sources.sql.kit import Project

ROWS = [{"id": f"P{number}", "name": f"Person {number}", "age": number % 90} for number in range(1300)]
NUMBERS = Columns(types={"age": CellType("integer")})


def export(
    folder: Path, rows: Sequence[dict[str, Any]], name: str = "people.jsonl", *, at: float | None = None
) -> None:
    """Write rows in the format that the name ends in; ``at``: the time of the last write."""
    path = folder / name
    if name.endswith(".csv"):
        names = list(rows[0]) if rows else ["id", "name", "age"]
        text = "\n".join([",".join(names), *(",".join(str(row[each]) for each in names) for row in rows), ""])
    elif name.endswith(".json"):
        text = orjson.dumps(list(rows), option=orjson.OPT_INDENT_2).decode()
    else:
        text = "".join(orjson.dumps(row).decode() + "\n" for row in rows)
    path.write_text(text, "utf-8")
    if at is not None:
        os.utime(path, (at, at))


class Export(Project):
    """Runs of one project that reads an export."""

    def __init__(self, folder: Path, name: str = "people.jsonl", *, columns: Columns = NUMBERS, **words: Any) -> None:
        super().__init__(folder)
        self.columns = columns
        self._file = {"path": name, "changes": "diff", "key": "id", "record": "contacts"} | words

    def source(self, clock: StepClock | None = None, **options: Any) -> Source:
        return open_source(
            SourceSettings(file=FileSource.model_validate(self._file)),
            Surroundings(
                base=self.folder,
                schemas={"contacts": CONTACT},
                clock=clock or StepClock(),
                beside=self.folder / ".syncflow" / "journal",
                columns=self.columns,
                reading=ReadOptions(**options),
            ),
        )
