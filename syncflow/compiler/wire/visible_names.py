"""What the expressions of an adapter see, as the types of their roots: the names that an adapter file may use, by place.

``expression_input`` builds what is described here; the adapter model's docstring tells it to people.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from syncflow.compiler.types.json import (
    ANY,
    ARRAY,
    BOOLEAN,
    INTEGER,
    OBJECT,
    TEXT,
    Array,
    Object,
    Type,
    closed_object,
    nullable,
    optional,
)
from syncflow.config.models.adapter import Option
from syncflow.frozen import value_class

_KEY_NAME: Final = closed_object(name=TEXT)
_TOKEN: Final = Object((), ANY)
_HEADERS: Final = Object((), optional(TEXT))
_OPTIONS: Final[Mapping[str, Type]] = {
    "text": TEXT,
    "integer": INTEGER,
    "boolean": BOOLEAN,
    "list": ARRAY,
    "map": OBJECT,
}
_REQUEST: Final[Mapping[str, Type]] = {
    "object": TEXT,
    "operation": TEXT,
    "batch": closed_object(id=TEXT),
    "key": _KEY_NAME,
}
_READ: Final[Mapping[str, Type]] = {"fields": Array(TEXT), "key_name": TEXT}
_FIND: Final[Mapping[str, Type]] = {"field": TEXT, "fields": Array(TEXT), "values": Array(TEXT), "value": TEXT}
_RECORD: Final[Mapping[str, Type]] = {
    "object": TEXT,
    "operation": TEXT,
    "payload": OBJECT,
    "key": closed_object(name=TEXT, value=TEXT),
    "record": closed_object(kind=TEXT, id=TEXT),
    "delivery": closed_object(id=TEXT, unique_id=TEXT, attempt=INTEGER),
    "vendor_id": optional(TEXT),
    "position": INTEGER,
}
_OF_ONE_KIND: Final = frozenset({"object", "operation", "key"})
"""What is of a whole request only where all of its records are alike."""
RECORD: Final = closed_object(**_RECORD)
"""What is of one record, regardless of the adapter."""

PAGE: Final = closed_object(status=INTEGER, headers=_HEADERS, body=ANY, page=INTEGER)
QUOTA: Final = closed_object(status=INTEGER, headers=_HEADERS, body=ANY)
RULE: Final = closed_object(
    status=INTEGER, code=TEXT, message=TEXT, headers=_HEADERS, body=ANY, element=ANY, key=_KEY_NAME
)


@value_class
class VisibleNames:
    """The roots of one adapter. What an answer holds is any JSON, and has no root."""

    settings: tuple[Mapping[str, Option], Iterable[str], Iterable[str]]
    """The options, the names of what a system may give to sign in, and those of the tables."""
    options: Object
    """Nothing else: before there is a system."""
    signing: Object
    """A request for a token."""
    consented: Object
    """The request that changes the code of a person's sign-in for tokens."""
    asserting: Object
    """A request for a token that carries an assertion."""
    common: Object
    """A request that carries no record."""
    described: Object
    """The request for the fields of an object."""
    read_one: Object
    """The request that reads one record back."""
    read_several: Object
    """The request that reads several records back."""
    found: Object
    """The request that looks for records by the values of a field."""
    around_record: Object
    """The adapter's own path and headers, where every request carries one record; some requests carry none."""
    around_several: Object
    """The adapter's own path and headers, where a request may carry several records."""
    chosen: Object
    """One record, before anything is signed in."""
    record: Object
    """One record of a request, and a request that carries one."""
    several: Object
    """A request that carries several records."""
    element: Object
    """One element of an answer, for Jinja."""
    following: Object
    """The query of a later page."""
    listed: Object
    """The request for a table, and those for its later pages."""
    made: Object
    """The request that makes an entry of a table."""
    entry: Object
    """A request for one element of a list of one record."""
    is_mixed: bool = False
    """Whether requests carry records of several objects or operations: then only a record has one."""

    def mixed(self) -> VisibleNames:
        """Return what is seen where requests carry records of several objects or operations."""
        seen = {name: kind for name, kind in self.several.properties if name not in _OF_ONE_KIND}
        return replace(self, several=closed_object(**seen), is_mixed=True)

    def request(self, *, records: int) -> Object:
        """Return what a request sees that carries at most this many records."""
        return self.record if records == 1 else self.several

    def around(self, *, records: int) -> Object:
        """Return what the adapter's own path and headers see, where requests carry at most this many records."""
        return self.around_record if records == 1 else self.around_several

    def of_job(self, kept: Mapping[str, Type] | None, *, carries: bool) -> Object:
        """Return what a request of a job sees, by what its start keeps (None: the start itself), and whether it carries the records."""
        seen = {
            name: kind for name, kind in self.several.properties if name != "next" and (carries or name != "deliveries")
        }
        return closed_object(**seen) if kept is None else closed_object(**seen, job=closed_object(id=TEXT, **kept))

    def after(self, steps: Mapping[str, Mapping[str, Type]]) -> VisibleNames:
        """Return what a step sees, after these: the name of each, and what it keeps."""
        found = visible_names_of(*self.settings, steps=steps)
        return found.mixed() if self.is_mixed else found


def visible_names_of(
    options: Mapping[str, Option],
    auth: Iterable[str],
    tables: Iterable[str] = (),
    *,
    steps: Mapping[str, Mapping[str, Type]] = MappingProxyType({}),
) -> VisibleNames:
    """Return what the expressions of an adapter see, by what its systems may set and which steps came before."""
    own: dict[str, Type] = {
        "options": closed_object(**{name: _OPTIONS[option.type] for name, option in options.items()})
    }
    signing: dict[str, Type] = {**own, "auth": closed_object(**dict.fromkeys(auth, optional(TEXT)))}
    common: dict[str, Type] = {**signing, "token": _TOKEN}
    request, page = {**common, **_REQUEST}, {"next": optional(ANY)}
    if names := dict.fromkeys(tables, Object((), optional(ANY))):
        request["tables"] = closed_object(**names)
    own_steps = {"steps": closed_object(**{name: optional(_step(kept)) for name, kept in steps.items()})}
    record: dict[str, Type] = {**request, **_RECORD, **own_steps, **page}
    return VisibleNames(
        settings=(options, auth, tables),
        options=closed_object(**own),
        signing=closed_object(**signing),
        consented=closed_object(**signing, code=TEXT, redirect_uri=TEXT, code_verifier=TEXT),
        asserting=closed_object(**signing, assertion=TEXT),
        common=closed_object(**common),
        described=closed_object(**common, object=TEXT),
        read_one=closed_object(**record, **_READ, deliveries=Array(closed_object(**record))),
        read_several=closed_object(**request, **_READ, deliveries=Array(closed_object(**record))),
        found=closed_object(**common, **_REQUEST, **_FIND, **page),
        around_record=_sometimes(record, common),
        around_several=_sometimes(request, common),
        chosen=closed_object(**own, **_RECORD, **own_steps),
        record=closed_object(**record, deliveries=Array(closed_object(**record))),
        several=closed_object(**request, **page, deliveries=Array(closed_object(**record))),
        element=closed_object(**request, element=ANY, headers=_HEADERS),
        following=closed_object(**own, next=ANY),
        listed=closed_object(**common, **page),
        made=closed_object(**common, name=TEXT),
        entry=closed_object(**record, entry=ANY, entry_index=INTEGER, deliveries=Array(closed_object(**record))),
    )


def _step(kept: Mapping[str, Type]) -> Object:
    names = {name: nullable(kind) for name, kind in kept.items()}
    one = closed_object(done=BOOLEAN, element=ANY, vendor_id=nullable(TEXT), **names)
    return closed_object(done=BOOLEAN, element=ANY, **names, entries=optional(Array(one)))


def _sometimes(names: Mapping[str, Type], always: Mapping[str, Type]) -> Object:
    return closed_object(**{name: kind if name in always else optional(kind) for name, kind in names.items()})
