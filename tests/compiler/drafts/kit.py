"""Drafts of made-up records, read back as a project reads a schema file."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from syncflow.compiler.door.misfits import Misfit
from syncflow.compiler.door.schema import RecordValidator, compile_door
from syncflow.compiler.drafts.draft import Draft, Reading, draft_of
from syncflow.compiler.drafts.observed import Observed
from syncflow.compiler.drafts.write import schema_text
from syncflow.config.files import Files
from syncflow.config.models.schema import SchemaNode


def seen(values: Iterable[Any]) -> Observed:
    observed = Observed()
    for value in values:
        observed.add(value)
    return observed


def draft(values: Iterable[Any], *, cells: bool = False, point: str = ".") -> Draft:
    return draft_of(seen(values), reading=Reading(cells=cells, point=point))


def text(values: Iterable[Any], *, cells: bool = False, point: str = ".") -> str:
    """Return the properties as they are written."""
    return schema_text(draft(values, cells=cells, point=point), comment=())


def node(written: str) -> SchemaNode:
    """Read a schema file, which must be without any mistake; that a name holds an odd character (SF116) is none of a draft's."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "schema.yaml"
        path.write_text(written, "utf-8")
        files = Files({}, offline=False)
        document = files.document(SchemaNode, path)
    assert document is not None, files.diagnostics
    assert [problem for problem in files.diagnostics if problem.code != "SF116"] == []
    return document.model


def door(written: str) -> RecordValidator:
    return compile_door(node(written), name="thing")


def misfits(compiled: RecordValidator, item: dict[str, Any]) -> tuple[Misfit, ...]:
    """Return what does not fit, after the rewriting that comes before the check in a run."""
    if compiled.one_form is not None:
        compiled.one_form(item)
    return tuple(compiled.misfits(item))
