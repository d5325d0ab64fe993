"""What every fake of an API has in common: a trial says how a project uses it, and what must be there in the end.

A module of this folder describes one adapter: its fakes (``Vendor``) and ``TRIALS``, one for each object; ``test_faults.py`` finds them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from syncflow.adapters.http import Transport
from syncflow.adapters.scripted import Asked, Reply, scripted
from tests.adapters.vendors.faults import Faults

Fields = Mapping[str, Any]
Holding = Mapping[str, Any]
"""The key of a record → what is there of it."""


class Vendor:
    """An API in memory. It checks what it is sent as the real one does, and answers in its shapes."""

    def __init__(self, faults: Faults) -> None:
        self.faults = faults

    def answer(self, asked: Asked) -> Reply:
        """Answer one request; its effect is there when this returns."""
        raise NotImplementedError

    def held(self) -> Holding:
        """Return what is there, by key: at least the fields that the trial's mapping sends."""
        raise NotImplementedError

    def transport(self) -> Transport:
        """Return what carries requests here."""
        return scripted(self.answer)


@dataclass(frozen=True, kw_only=True)
class Trial:
    """How a project uses one object of an adapter."""

    adapter: str
    object: str
    vendor: Callable[[Faults], Vendor]
    key: str
    """The field that is the mapping's key."""
    fields: Fields
    """The fields of the mapping: JMESPath over ``item`` (id, name, email, phone, company) without functions of our own."""
    auth: Mapping[str, str] = field(default_factory=dict)
    options: Fields = field(default_factory=dict)
    base_url: str = "http://vendor.test"
    route: Fields = field(default_factory=dict)
    """What the route says besides."""
    deletes: bool = True
    """Whether the events delete records too."""
    expected: Callable[[Trial, Sequence[Fields]], Holding] | None = None
    """What must be there after these events; left out: of each record its last state, by key."""
    ours: frozenset[str] = frozenset()
    """Fields of the mapping that are not sent."""
    describes: Fields | None = None
    """The object file of the project, where the adapter's own does not tell all fields."""
    events: int = 300
    """How many events are enough: few where each takes so many requests that one of them nearly always fails."""
    without: frozenset[str] = frozenset()
    """Kinds of faults that prove nothing here, with the reason beside it."""


def reply(status: int = 200, body: Any = None, **headers: str) -> Reply:
    """Return an answer in JSON, or one without a body."""
    text = "" if body is None else orjson.dumps(body).decode()
    return Reply(
        status, text, {"content-type": "application/json", **{k.replace("_", "-"): v for k, v in headers.items()}}
    )


def sent(asked: Asked) -> Any:
    """Return the body of a request."""
    return orjson.loads(asked.text)


def parts(asked: Asked, prefix: str = "") -> list[str]:
    """Return the segments of a path behind a prefix."""
    assert asked.path.startswith(prefix), f"{asked.method} {asked.path} is no address of this API"
    return [part for part in asked.path.removeprefix(prefix).split("/") if part]
