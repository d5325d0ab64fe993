"""Refused alike, one by one: is it the records or the configuration? A gate between an attempt and its settlement. Pure.

For each (operation, object) of a system. As long as none of its deliveries was ever accepted in this journal's life, refusals are held
back, and nothing is a dead letter yet:

    accepted once                                   the held ones are dead letters, and so is each refusal from then on, at once
    20 different records refused with one code      the configuration is at fault: the system stops, all stay open
    100 different records refused, whatever codes   the same
    only held ones are left, at the source's end    they are dead letters: so few may be bad records
    only held ones are left, for a minute           the same, in a service; those that come later go on counting
    the others left have all failed and are retried the same: a minute after the last refusal, 5 s at the source's end
    the first was held back 15 minutes ago          the same, whatever else waits
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from syncflow.events import Action, Delivery, Outcome, Record

ALIKE: Final = 20
"""This many different records refused with one code, and none accepted, are a fault of the configuration."""
IN_ALL: Final = 100
"""The same with any codes."""
PATIENCE_SECONDS: Final = 60.0
"""How long a service holds refusals back while nothing else comes."""
PATIENCE_AT_END_SECONDS: Final = 5.0
"""The same once the source has ended, while what is left has failed and is retried."""
LONGEST_SECONDS: Final = 900.0
"""The longest that a refusal is held back, whatever else still waits."""

Held = tuple[Delivery, Outcome, str]
"""With the id of its batch."""


@dataclass(slots=True)
class _Group:
    accepted: bool = False
    held: list[Held] = field(default_factory=list)
    since: float = 0.0
    """When the first of them was held back."""
    records: dict[str, set[Record]] = field(default_factory=dict)
    """By code, those that were released since too."""


class Refusals:
    """The refusals of one system."""

    def __init__(self) -> None:
        self._groups: dict[tuple[Action, str], _Group] = {}
        self._newest = float("-inf")
        self.count = 0
        """How many are held back."""

    def has_accepted(self, operation: Action, object_name: str) -> bool | None:
        """Whether one of this operation and object was ever accepted; None where the journal has to be asked."""
        group = self._groups.get((operation, object_name))
        return None if group is None else group.accepted

    def begin(self, operation: Action, object_name: str, *, accepted: bool) -> None:
        """Note what the journal knows, unless it was found out meanwhile."""
        self._groups.setdefault((operation, object_name), _Group(accepted))

    def accepted(self, operation: Action, object_name: str) -> list[Held]:
        """Note that one was accepted; return those that are no longer held back."""
        group = self._groups.setdefault((operation, object_name), _Group(accepted=True))
        group.accepted = True
        group.records.clear()
        return self._release(group)

    def hold(self, refused: Sequence[tuple[Delivery, Outcome]], *, batch_id: str, at: float) -> str:
        """Hold refusals back; return why the system must stop, or an empty text."""
        reason = ""
        for delivery, outcome in refused:
            group = self._groups[delivery.operation, delivery.object]
            if not group.held:
                group.since = at
            group.held.append((delivery, outcome, batch_id))
            group.records.setdefault(outcome.code, set()).add(delivery.record)
            reason = reason or _reason(group, delivery, outcome)
        self.count += len(refused)
        self._newest = at
        return reason

    def release(self) -> list[Held]:
        """Give up all that is held back; the records go on counting."""
        return [held for group in self._groups.values() for held in self._release(group)]

    @property
    def newest(self) -> float:
        """When the last refusal was held back (monotonic seconds)."""
        return self._newest

    @property
    def oldest(self) -> float:
        """When the first of those that are held back was (monotonic seconds); infinite where none is."""
        return min((group.since for group in self._groups.values() if group.held), default=float("inf"))

    def _release(self, group: _Group) -> list[Held]:
        held, group.held = group.held, []
        self.count -= len(held)
        return held


def _reason(group: _Group, delivery: Delivery, outcome: Outcome) -> str:
    alike, every = len(group.records[outcome.code]), sum(map(len, group.records.values()))
    if alike >= ALIKE:
        how = f"{alike} different records were refused alike"
    elif every >= IN_ALL:
        how = f"{every} different records were refused, at last"
    else:
        return ""
    status = f", status {outcome.status}" if outcome.status is not None and str(outcome.status) != outcome.code else ""
    return (
        f"{how} ({outcome.code or 'refused'}{status}) and none was ever accepted ({delivery.operation} {delivery.object}): "
        "look at the system's address, its credentials and their permissions, and the mapping's target fields"
    )
