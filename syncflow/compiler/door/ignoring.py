"""The rules of ``ignore:``: which events are ignored, and by which of them.

An event that leaves unchanged paths out is asked twice: at the door by the rules that read none of these, and by the others when it is
complete (``intake.Completion``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from syncflow.compiler.door.unchanged import Steps, longest, read_among, untold
from syncflow.compiler.expressions import Emitter
from syncflow.compiler.expressions.scopes import UNCHECKED
from syncflow.compiler.values import Fault, is_true
from syncflow.config.models.routes import RoutesFile
from syncflow.errors import DataError
from syncflow.events import ItemPath, Json
from syncflow.frozen import value_class


@value_class
class Rule:
    """A rule of ``ignore``."""

    text: str
    holds: Callable[[Any], Json]
    reads: Sequence[Steps]
    """The paths that it reads from the root, the longest ones alone."""

    def needs(self, unchanged: Sequence[ItemPath]) -> bool:
        """Whether it reads values that an event leaves out."""
        return bool(unchanged and read_among(self.reads, unchanged))


def compile_rules(routes: RoutesFile) -> list[Rule]:
    """Compile the rules of a project. Raises ExpressionError."""
    found = []
    for text in routes.ignore:
        emitter = Emitter(UNCHECKED)
        expression = emitter.expression(text)
        reads = longest(read.steps for read in expression.reads)
        found.append(Rule(text, emitter.function("rule", expression).call, reads))
    return found


def ignoring(rules: Sequence[Rule], root: Mapping[str, Json]) -> str | None:
    """Return the first rule that holds, whatever else the event says or leaves out. One that cannot be evaluated does not hold."""
    for rule in rules:
        with suppress(DataError):
            if is_true(rule.holds(root)):
                return rule.text
    return None


def ignoring_late(
    rules: Sequence[Rule], root: Mapping[str, Json], unchanged: Sequence[ItemPath], missing: Sequence[ItemPath]
) -> str | None:
    """Return the first rule that holds of those which could not be asked before the event was complete.

    Raises:
        Fault: one reads what is not known.
    """
    late = [rule for rule in rules if rule.needs(unchanged)]
    for rule in late:
        if found := read_among(rule.reads, missing):
            raise Fault("source", "unchanged", f"ignore {untold(found)}")
    return ignoring(late, root)
