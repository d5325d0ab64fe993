"""``send: changed``: which fields of a payload need not be sent, given which were delivered before.

In: the fields of an object. Out: a ``Changed``, of which two questions are asked: what a payload looks like as the other side compares
values, and which fields go along with any change.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field
from datetime import UTC, datetime

from syncflow.compiler.texts import normaliser
from syncflow.config.models.schema import ObjectField
from syncflow.events import Item, Json
from syncflow.frozen import frozen_value

_NUMBERS = frozenset({"integer", "number"})
_TIMES = frozenset({"date-time"})


@frozen_value
class Changed:
    """How a route that sends only what changed compares fields."""

    always: frozenset[str] = frozenset()
    """Fields that go along with any change: those that the object requires, so that a record that is gone there can be made again."""
    rules: Mapping[str, Callable[[Json], Json]] = field(default_factory=dict, repr=False)
    """Field → what makes values equal that are the same there; other fields are compared as they are sent."""

    def comparable(self, payload: Item) -> Item:
        """Return a payload with each value as it is compared."""
        rules = self.rules
        return {name: rules[name](value) if name in rules else value for name, value in payload.items()}


def changed_of(fields: Mapping[str, ObjectField]) -> Changed:
    """Return how the fields of an object are compared."""
    rules = {name: rule for name, field_ in fields.items() if (rule := _rule(field_)) is not None}
    return Changed(frozenset(name for name, each in fields.items() if each.required), rules)


def _rule(field_: ObjectField) -> Callable[[Json], Json] | None:
    if field_.type in _NUMBERS:
        return _as_number
    if field_.type in _TIMES:
        return _as_moment
    text = normaliser(field_)
    return None if text is str else lambda value: text(value) if isinstance(value, str) else value


def _as_number(value: Json) -> Json:
    """``1.0``, ``1`` and their texts are one number; what is none stays as it is."""
    if isinstance(value, str):
        try:
            return _as_number(float(value) if not value.lstrip("+-").isdecimal() else int(value))
        except ValueError:
            return value
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _as_moment(value: Json) -> Json:
    """Two ways to write one moment are the same; a time without a zone stays as it is."""
    if not isinstance(value, str):
        return value
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return value
    return value if moment.tzinfo is None else moment.astimezone(UTC).isoformat()
