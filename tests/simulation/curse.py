"""One record that always fails in one system, whatever is tried: it ends by its own ``retry``, and costs nothing to others.

A failure counts against a record only if a request that was started after its previous failure succeeded. The curse counts these itself:
so the oracle knows how often the record may have been tried.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random

import httpx

NEEDLES: Mapping[str, str] = {"mailing": "/{}.", "profile": "/{}"}
"""How a record shows in the address of a request; elsewhere it stands in the body."""

MOST_FACTOR, MOST_MORE = 2, 3
"""An event may be tried this many times its attempts, and some: a success that was waiting for its window counts later for the engine."""

_TEXT = re.compile(rb'"m?n[0-9]+"')
"""What names an event in a payload."""

_OF_ONE = {"salesforce": b'"External_Id__c"', "hubspot": b'"objectWriteTraceId"'}
"""What stands once for each record in the body of a batch."""


@dataclass
class Curse:
    """``record`` fails in ``system`` until ``lifted``. Deletes, sign-in and look-ups do not fail."""

    system: str
    record: str
    lifted: bool = False
    own: dict[str, int] = field(default_factory=dict)
    """By the text of an event: how often a request with it alone failed, since the last of which another request had succeeded."""
    moment: int = 0
    """How many requests it has struck."""
    _succeeded: bool = False

    def strikes(self, system: str, request: httpx.Request) -> bool:
        """Whether a request fails because it carries the record."""
        if self.lifted or system != self.system or request.method == "DELETE" or not _is_about_records(request):
            return False
        needle = NEEDLES.get(system)
        is_struck = (
            needle.format(self.record) in request.url.path if needle else f'"{self.record}"'.encode() in request.content
        )
        if is_struck:
            self._failed(system, request)
        return is_struck

    def succeeded(self, system: str, request: httpx.Request, *, since: int) -> None:
        """Note that a request of a system was answered well, which came when the curse had struck ``since`` times."""
        if system == self.system and since == self.moment and _is_about_records(request):
            self._succeeded = True

    def _failed(self, system: str, request: httpx.Request) -> None:
        self.moment += 1
        mark = _OF_ONE.get(system)
        if mark is None or request.content.count(mark) == 1:
            text = _TEXT.search(request.content)
            if text:
                name = text[0].decode()
                self.own[name] = self.own.get(name, 0) + self._succeeded
            self._succeeded = False

    def concerns(self, system: str, record: str) -> bool:
        """Whether a record in a system is the cursed one."""
        return (system, record) == (self.system, self.record)

    def tried_too_often(self, attempts: int) -> dict[str, int]:
        """Return the events of the record that were tried more often than ``retry`` allows."""
        return {name: count for name, count in self.own.items() if count > MOST_FACTOR * attempts + MOST_MORE}


def _is_about_records(request: httpx.Request) -> bool:
    """Whether a request writes, rather than signs in or looks something up."""
    return not request.url.path.endswith(("/token", "/query", "/batch/read"))


def drawn(random: Random, systems: Sequence[str], records: Sequence[str]) -> Curse | None:
    """Draw what is cursed."""
    system = random.choice(systems)
    fitting = [each for each in records if each.startswith("P") == (system == "profile")]
    return Curse(system, random.choice(fitting)) if fitting else None
