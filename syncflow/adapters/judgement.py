"""What a judge is asked, and what it says: of each record that was sent, and of the system."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from syncflow.compiler.wire.plans import Root, StepPlan
from syncflow.events import Action, Json, Outcome, Signal, Verdict
from syncflow.frozen import value_class

ADOPTS = "adopts"
"""In the root of a record whose mapping adopts what it finds there; no expression sees it."""
UNKNOWN_ID = "unknown_id"
"""The code of a record that a request cannot be made from, because its id there is not known."""
UNMADE = "request"
"""The code of a record that a request cannot be made from, for any other reason."""
_GOOD = frozenset({Verdict.DELIVERED, Verdict.ALREADY_DONE})


@value_class
class Ruling:
    """What an answer means for one record: an outcome settles it, or the step is done, or a later step goes on."""

    outcome: Outcome | None = None
    done: bool = False
    vendor_id: str | None = None
    element: Json = None
    kept: Mapping[str, Json] | None = None
    """What later steps may read of it, by name."""
    told: tuple[str, ...] | None = None
    """It is there already, under these ids (none: under which is not told), and is to be adopted; else ``outcome``."""


@dataclass(frozen=True, slots=True)
class Judgement:
    rulings: tuple[Ruling, ...]
    signal: Signal | None = None
    reauthenticate: bool = False
    is_read: bool = False
    """Whether a good answer was read record by record; else all of it is about the request."""
    strangers: int = 0
    """How many elements speak of nothing that was sent, where that is no reason to doubt."""


class Asked(NamedTuple):
    """One request as the judge sees it."""

    step: StepPlan
    records: Sequence[Root]
    shared: Root
    operation: Action
    unsafe: bool
    last: bool
    """Whether no later step is there that would need an id."""
    is_part: bool = False
    """Whether other answers tell of the records that this one leaves out."""


def placed(judgement: Judgement, place: str) -> Judgement:
    """Return a judgement in which every outcome that is no success names a line of the adapter."""
    outcomes = {id(ruling.outcome): ruling.outcome for ruling in judgement.rulings}  # those of a request share theirs
    if not any(map(_without_place, outcomes.values())):
        return judgement
    rulings = tuple(
        replace(ruling, outcome=replace(ruling.outcome, rule=place))
        if ruling.outcome is not None and _without_place(ruling.outcome)
        else ruling
        for ruling in judgement.rulings
    )
    return replace(judgement, rulings=rulings)


def _without_place(outcome: Outcome | None) -> bool:
    return outcome is not None and not outcome.rule and outcome.verdict not in _GOOD


def gravest(signals: Sequence[Signal | None]) -> Signal | None:
    """Return the signal that matters most: a stop before a park before a throttle, the longest wait of these."""
    order = {"split": 0, "throttle": 1, "park": 2, "stop": 3}
    given = [signal for signal in signals if signal is not None]
    return max(given, key=lambda signal: (order[signal.kind], signal.wait_seconds), default=None)
