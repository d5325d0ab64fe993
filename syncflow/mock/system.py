"""What the front needs to know of a mocked system; each vendor's folder has one."""

from __future__ import annotations

from random import Random
from typing import Any, Protocol

from .faults import Faults, Refusals
from .limits import Meter
from .settings import SystemSettings
from .wire import Answer, Call, Routes


class System(Protocol):
    """One mocked system. Everything is synchronous: a call takes effect at once and whole, so no two interleave."""

    name: str
    routes: Routes
    desk: Desk

    def answer(self, call: Call) -> Answer:
        """Carry out a call that the limits let pass."""
        ...

    def too_fast(self, call: Call) -> Answer:
        """Refuse a call as this vendor refuses a short limit."""
        ...

    def quota_used(self, call: Call) -> Answer:
        """Refuse a call as this vendor refuses a used-up day."""
        ...

    def broken(self, status: int) -> Answer:
        """This vendor's own body for an injected status."""
        ...

    def headers(self, call: Call) -> dict[str, str]:
        """The headers that every answer carries."""
        ...

    def exempt(self, call: Call) -> bool:
        """Whether the limits never refuse this call (sign-in)."""
        ...

    def can_expire(self, call: Call) -> bool:
        """Whether the session of this call can end by itself, and has been used long enough to let it."""
        ...

    def configure(self, settings: Any) -> None:
        """Take over new settings."""
        ...

    def expire(self) -> None:
        """End every session now."""
        ...

    def records(self) -> dict[str, list[dict[str, Any]]]:
        """What the system holds, by object, in order of creation."""
        ...

    def counts(self) -> dict[str, int]:
        """How many records it holds, by object."""
        ...


SETTLED = 20  # uses after which a session may end: a client that has just signed in must get a request through


class Desk:
    """What every system keeps beside its records: counts, faults, customer's rules, and a generator for shuffling."""

    def __init__(self, settings: SystemSettings, seed: int) -> None:
        self.meter = Meter(settings)
        self.random = Random(seed)
        self._strikes = Random(seed + 1)
        self.configure(settings)

    def configure(self, settings: SystemSettings) -> None:
        """Take over new settings; counts and generators go on."""
        self.settings = settings
        self.meter.configure(settings)
        self.faults = Faults(settings, self._strikes, self.meter)
        self.refusals = Refusals(settings.refuse)
