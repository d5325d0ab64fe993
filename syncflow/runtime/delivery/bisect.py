"""Find the record at fault in a refused batch: halve it, until the culprit stands alone or the fault turns out to be everyone's.

A generator without I/O: it yields the part to send and is sent the result. It returns what became of each delivery, or that the
system must stop. Attempts do not count meanwhile. The configuration is at fault, and nothing is dead-lettered, where no record of the batch
was accepted and either 20 or more were refused with one code, or it cost more than 3·log₂n requests. A smaller batch proves nothing of
that kind: two bad records may meet in one. Where nothing was ever accepted, ``refusals`` counts them over batches.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field

from syncflow.events import BatchResult, Delivery, Outcome, Signal, Verdict
from syncflow.runtime.delivery.refusals import ALIKE

_GOOD = frozenset({Verdict.DELIVERED, Verdict.ALREADY_DONE})
Part = tuple[Delivery, ...]


@dataclass(slots=True)
class Bisection:
    """What a bisection came to. With ``stop``, deliveries without an outcome stay open."""

    outcomes: dict[int, Outcome] = field(default_factory=dict)
    stop: str = ""
    signal: Signal | None = None
    unanswered: bool = False
    """Whether a part got no answer at all: then a search that came to nothing says nothing of the configuration."""


def bisect(batch: Part, *, reason: str) -> Generator[Part, BatchResult, Bisection]:
    """Halve ``batch``, which was refused as a whole (``reason`` says how)."""
    found = Bisection()
    budget = 3 * math.log2(len(batch))
    parts = _halves(batch)
    spent = 0
    while parts:
        if spent > budget and not any(outcome.verdict in _GOOD for outcome in found.outcomes.values()):
            found.stop = f"{reason}; halving the batch did not find one record at fault"
            return _without_rejections(found)
        part = parts.pop(0)
        result = yield part
        spent += 1
        if result.signal and result.signal.kind == "split" and len(part) > 1:
            parts[:0] = _halves(part)
            continue
        found.outcomes.update((delivery.id, outcome) for delivery, outcome in zip(part, result.outcomes, strict=True))
        if result.signal and result.signal.kind != "split":
            found.signal = result.signal
            return found
    if len(batch) >= ALIKE and _everyone(batch, found):
        found.stop = f"{reason}; every record of the batch is refused alike"
        return _without_rejections(found)
    return found


def _halves(batch: Part) -> list[Part]:
    middle = (len(batch) + 1) // 2
    return [batch[:middle], batch[middle:]]


def _everyone(batch: Sequence[Delivery], found: Bisection) -> bool:
    outcomes = [found.outcomes[delivery.id] for delivery in batch]
    return all(outcome.verdict is Verdict.REJECTED for outcome in outcomes) and len({o.code for o in outcomes}) == 1


def _without_rejections(found: Bisection) -> Bisection:
    found.outcomes = {
        number: outcome for number, outcome in found.outcomes.items() if outcome.verdict is not Verdict.REJECTED
    }
    return found
