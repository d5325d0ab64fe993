"""Keep what fails for a system that has stopped: its event is mapped again when the system is resumed, instead of being buried. Pure.

In: a plan with dead letters of mappings and routes. Out: the same plan, in which those that ``may_bury`` does not allow are ``Postponed``:
a mark to map the event again for that route, at its old place in the order of versions.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from syncflow.runtime.intake.planning import Plan
from syncflow.runtime.journal.base import DeadLetter, Postponed


def postpone(plan: Plan, may_bury: Callable[[str], bool]) -> None:
    """Ask for each dead letter of a system whether it may be one; ``may_bury`` counts it where it may."""
    if not plan.dead_letters:
        return
    kept: list[DeadLetter] = []
    for letter in plan.dead_letters:
        if letter.system and letter.delivery is None and not may_bury(letter.system):
            plan.postponed.append(Postponed(letter.event, letter.route, letter.at))
        else:
            kept.append(letter)
    if not plan.postponed:
        return
    plan.dead_letters = kept
    waiting = {entry.event for entry in plan.postponed}
    for events in (plan.events, plan.again):
        for index, event in enumerate(events):
            if event.state == "dead" and event.seq in waiting:
                events[index] = replace(event, state="routed")
