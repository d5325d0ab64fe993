"""``send: changed``: which fields of a payload need not be sent, given which were delivered before.

In: the fields of an object. Out: a ``Changed``, of which two questions are asked: what a payload looks like as the other side compares
values, and which fields go along with any change.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import field
from datetime import UTC, datetime
from decimal import Context, Decimal

from syncflow.config.models.schema import ObjectField
from syncflow.events import Item, Json
from syncflow.frozen import value_class
from syncflow.key_rules import KeyRule
from syncflow.patterns import lazy_pattern

_NUMBERS = frozenset({"integer", "number", "decimal"})
_TIMES = frozenset({"date-time"})

_NUMBER = lazy_pattern(r"[+-]?\d+(?:\.\d*)?(?:[eE][+-]?\d{1,4})?", re.ASCII)
_LONGEST_NUMBER = 200
_EXACT = Context(prec=_LONGEST_NUMBER)
_MOMENT = lazy_pattern(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?(?:Z|[+-]\d\d:?\d\d)", re.ASCII)


@value_class
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
    """Return what makes values equal that are stored alike. ``case_sensitive`` says how keys are found there, and not that case is lost:
    only of an address no one means anything by it."""
    if field_.type in _NUMBERS:
        return _as_number
    if field_.type in _TIMES:
        return _as_moment
    folds = field_.type == "email" and field_.case_sensitive is False
    if not (field_.trim or folds):
        return None
    rule = KeyRule(trim=bool(field_.trim), fold_case=folds)
    return lambda value: rule(value) if isinstance(value, str) else value


def _as_number(value: Json) -> Json:
    """``1.0``, ``1`` and their texts are one number, written in one way, with all of its digits; what is none stays as it is."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return value
    text = value if isinstance(value, str) else repr(value)
    if len(text) > _LONGEST_NUMBER or not _NUMBER.fullmatch(text):
        return value
    return str(Decimal(text).normalize(_EXACT))


def _as_moment(value: Json) -> Json:
    """Two ways to write one moment are the same; a time without a zone, or finer than a microsecond, stays as it is."""
    if not isinstance(value, str) or not _MOMENT.fullmatch(value):
        return value
    try:
        return datetime.fromisoformat(value).astimezone(UTC).isoformat()
    except (ValueError, OverflowError):
        return value
