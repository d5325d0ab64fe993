"""What a run has of a system beside its plan: what speaks to it, and, where several workers share a journal, the claim. Values only."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from syncflow.adapters.gate import Gate
from syncflow.compiler.wire.system import SystemPlan
from syncflow.runtime.delivery.assignment import PreviousHolderRequests
from syncflow.runtime.delivery.attempts import System
from syncflow.runtime.delivery.limits import Limiter
from syncflow.runtime.delivery.settle import Settler
from syncflow.runtime.journal.base import Journal
from syncflow.runtime.journal.usage import Usage
from syncflow.runtime.standing import Standing

Connect = Callable[[SystemPlan, Gate], System]


@dataclass(frozen=True, slots=True)
class Connected:
    """A system that can be sent to: what is known of it, its gate, and what speaks to it."""

    plan: SystemPlan
    limiter: Limiter
    client: System


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A system that a worker holds by a claim: how it is written of it, and what was before."""

    journal: Journal
    settler: Settler
    is_ours: Callable[[], bool]
    """Whether the claim still lasts."""
    guarded: Callable[[Callable[[], Coroutine[Any, Any, None]]], Coroutine[Any, Any, None]]
    """What goes around its task: a claim that has passed on ends that task, not the run."""
    usage: Usage | None
    standing: Standing | None
    stays_stopped: bool
    strays: PreviousHolderRequests
