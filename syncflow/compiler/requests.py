"""Request plans: an adapter file and a system's settings, compiled to what the adapter engine executes.

In: ``AdapterFile`` and ``SystemSettings``. Out: ``SystemPlan``. Nothing here sends anything.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from syncflow.events import Action, Delivery, Json


@dataclass(frozen=True, slots=True)
class Window:
    """At most ``count`` requests within any ``per_seconds``; ``only`` names the group of requests it is for, empty for all."""

    count: int
    per_seconds: float
    only: str = ""


@dataclass(frozen=True, slots=True)
class OperationPlan:
    """One operation of an adapter. ``steps`` is what the adapter engine executes; the run loop reads the rest."""

    action: Action
    repeat: Literal["safe", "by_key_header", "by_lookup", "unsafe"]
    batch_records: int
    batch_bytes: int
    group: Callable[[Delivery], str]
    """Deliveries with different groups never share a request."""
    steps: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class SystemPlan:
    """A system: an adapter with base URL, credentials and limits filled in. ``repr`` shows no secret."""

    name: str
    adapter: str
    base_url: str
    windows: tuple[Window, ...]
    in_flight: int
    batch_age_seconds: float
    timeout_seconds: float
    operations: Mapping[Action, OperationPlan]
    clear: Json = None
    """What is sent to clear a field."""
    details: Any = field(default=None, repr=False)
    """Compiled sign-in, headers and outcome rules: the adapter engine's own."""
