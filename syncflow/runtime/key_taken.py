"""Why a record does not get its key: another one holds it, or perhaps does. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from syncflow.compiler.program import RoutePlan
from syncflow.events import Key, Record
from syncflow.runtime.journal.base import Presence


def is_confirmed(holders: Iterable[Presence], compared: str) -> bool:
    """Whether one of those who hold a key is known to be there; else something was written for them, and nothing confirmed it."""
    return any(row.proven or row.held != compared for row in holders)


def key_taken(route: RoutePlan, record: Record, key: Key, *, confirmed: bool) -> str:
    """Return the reason of a dead letter ``key_taken``; ``confirmed``: see ``is_confirmed``."""
    if confirmed:
        return f"another record of {record.kind} holds this value of {key.name} in {route.system}"
    return (
        f"another record of {record.kind} may hold this value of {key.name} in {route.system}: it was written there and nothing answered "
        "(the next delivery of that record decides, or dropping its dead letter)"
    )
