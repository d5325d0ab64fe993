"""What was seen of values: counted, never kept, but for a few short texts of which a list may be made.

Memory is bounded, regardless of the values: an object with very many names is a map, whose values are counted together, and so are the
values of names that look like data (an e-mail address, a number); below a depth, and beyond a number of places, nothing is told apart.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from syncflow.compiler.drafts.text_kinds import TEXT_KINDS, TextKind, kinds_of
from syncflow.compiler.forms.nothing import is_nothing
from syncflow.events import Item, Json
from syncflow.patterns import lazy_pattern

MOST_VALUES: Final = 12
"""Distinct texts of which a list is made."""
LONGEST_VALUE: Final = 40
_MOST_DEPTH: Final = 20
_MOST_PLACES: Final = 4000
_MOST_NAMES: Final = 200
_MOST_NAMES_AT_TOP: Final = 1500
_LONGEST_NAME: Final = 120
_IS_DATA: Final = lazy_pattern(r"@|[0-9]{4}|\A[0-9.+-]+\Z|\$\{|[\x00-\x1f\x7f-\x9f]")
"""In the name of a property: rather a value that was made a name."""


class Texts:
    """What was seen of texts."""

    __slots__ = ("blanks", "count", "emails", "kinds", "longest", "nothings", "shortest", "values")

    def __init__(self) -> None:
        self.count = 0
        self.shortest, self.longest = 2**31, 0
        self.kinds: tuple[TextKind, ...] = TEXT_KINDS
        self.nothings = 0
        """Texts that mean that there is nothing."""
        self.emails = 0
        self.blanks = 0
        self.values: dict[str, int] | None = {}
        """How often each was seen; None where they are too many or too long."""

    def add(self, text: str) -> None:
        self.count += 1
        length = len(text)
        self.shortest = min(self.shortest, length)
        self.longest = max(self.longest, length)
        if self.kinds:
            self.kinds = kinds_of(text, self.kinds)
            self.nothings += is_nothing(text)
        if not text or text.isspace():
            self.blanks += 1
        if "@" in text:
            self.emails += " " not in text
        if self.values is not None:
            self._keep(text, 1)

    def _keep(self, text: str, count: int) -> None:
        assert self.values is not None
        self.values[text] = self.values.get(text, 0) + count
        if len(self.values) > MOST_VALUES or len(text) > LONGEST_VALUE:
            self.values = None

    def add_all(self, others: Texts) -> None:
        self.count += others.count
        self.shortest, self.longest = min(self.shortest, others.shortest), max(self.longest, others.longest)
        self.kinds = tuple(kind for kind in self.kinds if kind in others.kinds)
        self.nothings += others.nothings
        self.emails += others.emails
        self.blanks += others.blanks
        for text, count in (others.values or {}).items():
            if self.values is not None:
                self._keep(text, count)
        if others.values is None:
            self.values = None

    def is_all(self, kind: str) -> bool:
        """Return whether all texts are of a kind, and not all of them mean nothing."""
        return self.nothings < self.count and any(each.name == kind for each in self.kinds)


class Fields:
    """What was seen of objects, property by property."""

    __slots__ = ("_most", "count", "is_open", "known", "others")

    def __init__(self, most: int) -> None:
        self.count = 0
        self.known: dict[str, Observed] = {}
        self.others: Observed | None = None
        """The values of names that are data, or of all names of a map."""
        self.is_open = False
        """Whether there were properties of which nothing is known."""
        self._most = most

    @property
    def is_map(self) -> bool:
        return self._most == 0


class Observed:
    """What was seen of the values at one place."""

    __slots__ = (
        "_depth",
        "_places",
        "arrays",
        "booleans",
        "count",
        "integers",
        "items",
        "nulls",
        "numbers",
        "objects",
        "texts",
    )

    def __init__(self, *, depth: int = 0, places: Iterator[int] | None = None) -> None:
        self.count = self.nulls = self.booleans = self.integers = self.numbers = self.arrays = 0
        self.texts: Texts | None = None
        self.items: Observed | None = None
        self.objects: Fields | None = None
        self._depth = depth
        self._places = iter(range(_MOST_PLACES)) if places is None else places

    def add(self, value: Json) -> None:
        self.count += 1
        kind = value.__class__
        if kind is str:
            if self.texts is None:
                self.texts = Texts()
            self.texts.add(value)  # type: ignore[arg-type]  # its class was asked
        elif value is None:
            self.nulls += 1
        elif kind is int:
            self.integers += 1
        elif kind is bool:
            self.booleans += 1
        elif kind is float:
            self.numbers += 1
        elif isinstance(value, list):
            self._add_array(value)
        elif isinstance(value, dict):
            self._add_object(value)

    def _add_array(self, values: list[Json]) -> None:
        self.arrays += 1
        if self.items is None and values:
            self.items = self._inner()
        if self.items is not None:
            for value in values:
                self.items.add(value)

    def _inner(self) -> Observed | None:
        """Return a further place; None where there are too many."""
        if self._depth >= _MOST_DEPTH or next(self._places, None) is None:
            return None
        return Observed(depth=self._depth + 1, places=self._places)

    def _add_object(self, value: Item) -> None:
        if self.objects is None:
            self.objects = Fields(_MOST_NAMES if self._depth else _MOST_NAMES_AT_TOP)
        fields = self.objects
        fields.count += 1
        for name, each in value.items():
            place = fields.known.get(name) or self._further(fields, name)
            if place is None:
                fields.is_open = True
            else:
                place.add(each)

    def _further(self, fields: Fields, name: str) -> Observed | None:
        if not fields.is_map and not _IS_DATA.search(name) and len(name) <= _LONGEST_NAME:
            if len(fields.known) < fields._most:
                place = self._inner()
                if place is not None:
                    fields.known[name] = place
                return place
            make_map(fields)
        if fields.others is None:
            fields.others = self._inner()
        return fields.others

    def add_all(self, others: Observed) -> None:
        """Count what was seen at another place as if it had been seen here."""
        for name in ("count", "nulls", "booleans", "integers", "numbers", "arrays"):
            setattr(self, name, getattr(self, name) + getattr(others, name))
        if others.texts is not None:
            self.texts = self.texts or Texts()
            self.texts.add_all(others.texts)
        if others.items is not None:
            self.items = _together(self.items, others.items)
        if others.objects is not None:
            self._add_fields(others.objects)

    def _add_fields(self, others: Fields) -> None:
        if self.objects is None:
            self.objects = others
            return
        fields = self.objects
        fields.count += others.count
        fields.is_open |= others.is_open
        for name, place in others.known.items():
            if fields.is_map:
                fields.others = _together(fields.others, place)
            elif name in fields.known:
                fields.known[name].add_all(place)
            else:
                fields.known[name] = place
        if others.others is not None:
            fields.others = _together(fields.others, others.others)
        if others.is_map or len(fields.known) > fields._most:
            make_map(fields)


def _together(place: Observed | None, others: Observed) -> Observed:
    if place is None:
        return others
    place.add_all(others)
    return place


def make_map(fields: Fields) -> None:
    """From now on the values of all names are counted together."""
    for place in fields.known.values():
        fields.others = _together(fields.others, place)
    fields.known = {}
    fields._most = 0
