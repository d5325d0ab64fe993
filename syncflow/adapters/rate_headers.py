"""What the usual rate headers of an answer tell, for systems without declared limits: when nothing is left, wait until there is. Pure.

    X-RateLimit-Remaining: 0          X-RateLimit-Reset: 30 (seconds, or a time since the epoch, or a date)
    RateLimit-Remaining: 0            RateLimit-Reset: 30                        (IETF draft, versions 0 to 6)
    RateLimit: limit=10, remaining=0, reset=30                                    (version 7)
    RateLimit: "burst";r=0;t=30, "day";r=900;t=50000                              (version 8 on)

These headers are advice that was not asked for, so they are obeyed only where they can be right: a number that is left, and a reset within
an hour. A system that keeps saying that nothing is left although its time has come, and that it allows more than one request, is not
believed any more. What is refused all the same teaches a pace, and ``Retry-After`` is obeyed as always.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from syncflow.adapters.retry_after import read_wait
from syncflow.events import Signal

LONGEST_SECONDS = 3600.0
"""Longer waits are left to the refusal that follows: it says so itself."""
_DOUBTS = 3
"""This many times in a row must nothing have been left after its reset, until the headers are not believed."""

_PREFIXES = ("x-ratelimit-", "x-rate-limit-", "ratelimit-")
_MEMBER = re.compile(r'\s*"?(?P<name>[^",;=]*)"?\s*(?P<parameters>(?:;[^,]*)?)')
_NUMBER = re.compile(r"\s*(\d{1,15}(?:\.\d{1,6})?)\s*(?:[,;].*)?\Z", re.DOTALL)


@dataclass(frozen=True, slots=True)
class PolicyRemainder:
    """What one policy has left. ``limit`` is None where it was not told."""

    remaining: float
    reset_seconds: float
    by: str
    limit: float | None = None


class RateHeaders:
    """Reads the answers of one system."""

    def __init__(self) -> None:
        self._resets_at: float | None = None
        self._doubts = 0

    def heard(self, headers: Mapping[str, str], *, now: float) -> Signal | None:
        """Return the pause that an answer asks for; None where something is left, or where it cannot be right."""
        if self._doubts >= _DOUBTS:
            return None
        empty = [told for told in read_told(headers, now=now) if told.remaining < 1]
        if not empty:
            self._doubts, self._resets_at = 0, None
            return None
        longest = max(empty, key=lambda told: told.reset_seconds)
        if self._resets_at is not None and now >= self._resets_at and longest.limit != 1:
            self._doubts += 1
        if self._resets_at is None or now >= self._resets_at:
            self._resets_at = now + longest.reset_seconds
        if self._doubts >= _DOUBTS or longest.reset_seconds == 0:
            return None
        reason = f"nothing is left of the rate that the answer tells ({longest.by})"
        return Signal("throttle", longest.reset_seconds, reason, refused=False, by=longest.by)


def read_told(headers: Mapping[str, str], *, now: float) -> Iterator[PolicyRemainder]:
    """Yield what the headers (names in lower case) say is left, with when more comes; what cannot be read or right is left out."""
    for prefix in _PREFIXES:
        told = _told(
            headers.get(f"{prefix}remaining"), headers.get(f"{prefix}reset"), headers.get(f"{prefix}limit"),
            by=_shown(f"{prefix}remaining"), now=now,
        )  # fmt: skip
        if told:
            yield told
    yield from _structured(headers.get("ratelimit", ""), now=now)


def _structured(text: str, *, now: float) -> Iterator[PolicyRemainder]:
    if not text or len(text) > 1000:
        return
    if "remaining=" in text:
        values = dict(part.strip().split("=", 1) for part in text.split(",") if "=" in part)
        found = _told(values.get("remaining"), values.get("reset"), values.get("limit"), by="RateLimit", now=now)
        if found:
            yield found
        return
    for member in text.split(","):
        match = _MEMBER.match(member)
        parts = (part.strip().partition("=") for part in match["parameters"].split(";")) if match else ()
        values = {name: value for name, _, value in parts}
        if found := _told(values.get("r"), values.get("t"), None, by="RateLimit", now=now):
            yield found


def _told(
    remaining: str | None, reset: str | None, limit: str | None, *, by: str, now: float
) -> PolicyRemainder | None:
    left, wait = _number(remaining), read_wait(reset, now=now)
    if left is None or wait is None or wait > LONGEST_SECONDS:
        return None
    return PolicyRemainder(left, wait, by, _number(limit))


def _number(text: str | None) -> float | None:
    found = _NUMBER.match(text or "")
    number = float(found[1]) if found else math.nan
    return number if math.isfinite(number) else None


def _shown(name: str) -> str:
    """Return a header's name as people write it."""
    return "-".join("RateLimit" if part == "ratelimit" else part.capitalize() for part in name.split("-"))
