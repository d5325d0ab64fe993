"""Look at the records of a source, for a schema of them: read, taken out of their envelope, counted; nothing is kept.

In: chunks of events. Out: what was seen of each kind of record. Deletes hold no whole item, and are only counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from syncflow.compiler.door.envelope import CompleteEvent, complete, decode
from syncflow.compiler.door.envelope import Opened as OpenedEvent
from syncflow.compiler.door.intake import compile_opening
from syncflow.compiler.door.shapes import NotAnEventError
from syncflow.compiler.drafts.observed import Observed
from syncflow.compiler.languages.base import ExpressionError
from syncflow.compiler.values import Fault
from syncflow.config.diagnostics import FileText
from syncflow.config.documents import Document
from syncflow.config.models.routes import RoutesFile
from syncflow.config.models.schema import SchemaNode
from syncflow.config.nodes import from_data
from syncflow.config.project import Project
from syncflow.errors import DataError, ProjectError
from syncflow.events import Item, Raw

MOST_KINDS = 50
_PARTS = frozenset(("record", "operation", "item"))

Opening = Callable[[Raw], CompleteEvent]


@dataclass
class SeenRecords:
    """What was seen of a source's records, by kind."""

    opening: Opening
    read: int = 0
    kinds: dict[str, Observed] = field(default_factory=dict)
    deletes: Counter[str] = field(default_factory=Counter)
    ignored: int = 0
    unread: Counter[str] = field(default_factory=Counter)
    """How many events could not be read, by code."""
    reasons: dict[str, str] = field(default_factory=dict)
    """The first reason of each code."""

    def add(self, events: Iterable[Raw]) -> None:
        """Count events.

        Raises:
            DataError: they are of so many kinds that the envelope cannot be right.
        """
        for raw in events:
            self.read += 1
            try:
                letter = self.opening(raw)
            except NotAnEventError:
                self.ignored += 1
            except Fault as fault:
                self.unread[fault.code] += 1
                self.reasons.setdefault(fault.code, fault.reason)
            else:
                self._count(letter)

    def _count(self, letter: CompleteEvent) -> None:
        if letter.change == "delete":
            self.deletes[letter.kind] += 1
            return
        if letter.kind not in self.kinds:
            if len(self.kinds) == MOST_KINDS:
                raise DataError(
                    f"the events are of more than {MOST_KINDS} kinds of record",
                    hint="does `envelope.record` read the right value?",
                )
            self.kinds[letter.kind] = Observed()
        self.kinds[letter.kind].add(letter.item)

    def count(self, kind: str) -> int:
        return self.kinds[kind].count if kind in self.kinds else 0


def without_schemas(project: Project) -> Project:
    """Return a project whose kinds of record may be anything: cells are then text, and no column is missed but those of ids."""
    node = from_data({"type": "object"}, FileText("", ""))
    open_schema = Document(project.path, project.routes.name, SchemaNode(type="object"), node)
    return replace(project, schemas=dict.fromkeys(project.routes.model.records, open_schema))


def opening_of(routes: RoutesFile, source: str) -> Opening:
    """Return how events of a source of a project are read; ``source`` is its name, ``source`` where there is one.

    Raises:
        ProjectError: an expression of the envelope or of an ignore rule cannot be compiled.
    """
    settings = routes.model_copy(update={"envelope": routes.envelope_of(source)})
    try:
        return compile_opening(settings)
    except ExpressionError as error:
        raise ProjectError(
            f"an expression of `envelope` or `ignore` is wrong: {error}", hint="syncflow validate"
        ) from error


def opening_of_objects(kind: str, events: Opening | None = None) -> Opening:
    """Return how objects are read of which nothing is said: as events where the first has a part of one, else as records of this kind.

    ``events`` reads them where they are events; left out, as events of the usual shape.
    """
    is_event: list[bool] = []

    def read(raw: Raw) -> CompleteEvent:
        if raw.broken:
            raise Fault("source", "unreadable", raw.broken)
        body = decode(raw.body)
        if not is_event:
            is_event.append(not _PARTS.isdisjoint(body))
        if not is_event[0]:
            return CompleteEvent(kind, "create", body, {}, None)
        return _usual(body) if events is None else events(raw)

    return read


def _usual(body: Item) -> CompleteEvent:
    root = {part: body.get(part) for part in ("record", "operation", "timestamp", "item")}
    return complete(OpenedEvent(root, None), {})


def has_usual_envelope(routes: RoutesFile, source: str) -> bool:
    """Return whether events of a source have the product's own shape."""
    return not routes.envelope_of(source).model_fields_set - {"operations"}
