"""Deciding which faults to inject, and which records a customer's rule refuses. Nothing here does any harm itself."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any, TypeVar

from .limits import Meter
from .settings import FaultKind, Refuse, SystemSettings

T = TypeVar("T")

_BEFORE = ("reset", "html")  # and every status_*: the request has no effect
_AFTER = ("empty", "cut", "timeout", "drip")  # the effect has happened, the answer is spoilt
_OF_RECORDS: tuple[FaultKind, ...] = (
    "left_out",
    "stranger",
    "lock",
    "invalid",
    "job_stuck",
    "job_failed",
    "job_aborted",
)
BLAMING = frozenset({"status_401", "status_423", "status_429", "status_477"})  # statuses that blame the client
_NOT_DIGITS = re.compile(r"\D+")


class Faults:
    """Draws faults of one system from a seeded generator; every fault that strikes is counted in its meter."""

    def __init__(self, settings: SystemSettings, random: Random, meter: Meter) -> None:
        self._random = random
        self._meter = meter
        self._record: dict[str, float] = {kind: settings.faults.get(kind, 0.0) for kind in _OF_RECORDS}
        shares = [(kind, share) for kind, share in settings.faults.items() if share > 0]
        self._before = [(kind, share) for kind, share in shares if kind in _BEFORE or kind.startswith("status_")]
        self._after = [(kind, share) for kind, share in shares if kind in _AFTER]

    def before(self, *, spared: frozenset[str] = frozenset()) -> str | None:
        """The fault that strikes instead of the request, or None; those spared never strike."""
        return self._draw(self._before, spared)

    def after(self) -> str | None:
        """The fault that strikes the answer once the request took effect, or None."""
        return self._draw(self._after)

    def record(self, kind: str) -> bool:
        """Whether one record, list of results or job is struck by a fault of this kind."""
        share = self._record[kind]
        if not share or self._random.random() >= share:
            return False
        self._meter.fault(kind)
        return True

    def left_out(self, results: list[T]) -> list[T]:
        """The results of a batch as they are told: now and then one of them is not."""
        if not results or not self.record("left_out"):
            return results
        place = self._random.randrange(len(results))
        return results[:place] + results[place + 1 :]

    def _draw(self, shares: Sequence[tuple[str, float]], spared: frozenset[str] = frozenset()) -> str | None:
        if not shares:
            return None
        point = self._random.random()
        for kind, share in shares:
            point -= share
            if point < 0:
                if kind in spared:
                    return None
                self._meter.fault(kind)
                return kind
        return None


class Refusals:
    """The customer's rules, compiled: which message refuses a record, if any."""

    def __init__(self, rules: list[Refuse]) -> None:
        self._rules = [(rule.object, rule.field, _condition(rule), rule.message) for rule in rules]

    def message(self, kind: str, record: Mapping[str, Any]) -> str | None:
        """The message of the first rule that refuses a record of object ``kind``."""
        for only, field, refused, message in self._rules:
            if only is not None and only.lower() != kind.lower():
                continue
            value = record.get(field)
            if value is not None and refused(str(value)):
                return message
        return None


def _condition(rule: Refuse) -> Callable[[str], bool]:
    if rule.values is not None:
        return frozenset(rule.values).__contains__
    if rule.pattern is not None:
        search = re.compile(rule.pattern).search
        return lambda value: search(value) is not None
    every = rule.every or 1
    return lambda value: _number(value) % every == 0


def _number(value: str) -> int:
    digits = _NOT_DIGITS.sub("", value)
    return int(digits[-18:]) if digits else zlib.crc32(value.encode())
