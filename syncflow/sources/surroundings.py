"""What a source is opened in, besides its own settings."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from syncflow.clock import Clock
from syncflow.compiler.columns import Columns
from syncflow.config.models.schema import SchemaNode


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadOptions:
    """How much is asked of a source this time."""

    from_start: bool = False
    """It is read from its beginning, whatever was acknowledged."""
    once: bool = False
    """A source that reads in passes makes one, at once; a queue ends when it is empty."""
    ignore_guards: bool = False
    """Guards do not stop the first pass."""
    resnapshot: bool = False
    """Rows of tables are read anew, and compared with the records that are known."""
    sample: bool = False
    """Only the first events are wanted, for a look at them: the source is finite, and nothing is changed over there."""
    bodies: bool = False
    """Each event that is read is a body of several, so that a chunk may end behind any of them."""

    @property
    def is_special(self) -> bool:
        """Whether anything is asked that a run does not do by itself."""
        return self != ReadOptions()


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a source is opened in, besides its own settings."""

    base: Path
    """The folder that paths are relative to."""
    schemas: Mapping[str, SchemaNode]
    """The schema of each kind of record."""
    clock: Clock
    columns: Columns = field(default_factory=Columns)
    """What is wanted of rows."""
    stdin: BinaryIO | None = None
    reading: ReadOptions = ReadOptions()
    beside: Path | None = None
    """How the path of a file begins in which a source remembers more than positions; with None it remembers nothing."""
    present: Callable[[str, str, int], Awaitable[Sequence[str]]] | None = None
    """Kind, id, number → the next ids of records that are at a target, of which this source is the only one."""
    names_unchanged: bool = False
    """Whether its events may name values that did not change instead of telling them: they are read as they are handed out."""
    ids: Mapping[str, str] = field(default_factory=dict)
    """Of each kind of record the property that its id is, where it is one."""

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of record."""
        return tuple(self.schemas)

    @property
    def scratch(self) -> Path | None:
        """The folder for what is kept only while it is read; None: the system's."""
        return self.beside.parent if self.beside is not None and self.beside.parent.is_dir() else None

    def file_beside(self, ending: str) -> Path | None:
        """Return the path of a file in which something is remembered; None where nothing is."""
        return None if self.beside is None else self.beside.with_name(f"{self.beside.name}.{ending}")
