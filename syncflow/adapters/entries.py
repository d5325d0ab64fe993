"""A step that is for each element of a list of a record: what the requests for its elements come to together. Pure.

Elements are sent in turn. The first that fails ends the step and decides what becomes of the record; those before it have taken effect,
and when the record is tried again all are sent again, from the first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from syncflow.adapters.judgement import Judgement, Ruling
from syncflow.adapters.record_progress import RecordProgress, keeps_of
from syncflow.compiler.wire.plans import StepPlan
from syncflow.errors import DataError
from syncflow.events import Json, Outcome, Verdict

TOO_MANY: Final = "too_many_entries"
NO_LIST: Final = "no_list"
_GOOD: Final = frozenset({Verdict.DELIVERED, Verdict.ALREADY_DONE})


def entries_of(step: StepPlan, member: RecordProgress) -> list[Json] | Outcome:
    """Return the elements to send of a record (none where there is no list), or the outcome of one that cannot be sent."""
    if step.entries is None:
        return []
    try:
        found = step.entries(member.seen)
    except DataError as error:
        return _rejected(step, NO_LIST, f"the list of `for` cannot be made: {error.message}")
    if found is None:
        return []
    if not isinstance(found, list):
        return _rejected(step, NO_LIST, "`for` gives no list")
    if len(found) > step.most_entries:
        return _rejected(step, TOO_MANY, f"`for` gives {len(found)} elements, and at most {step.most_entries} are sent")
    return found


def _rejected(step: StepPlan, code: str, message: str) -> Outcome:
    place = step.request.place
    return Outcome(Verdict.REJECTED, code=code, message=f"{place}: {message}", rule=place)


def failed_entry(judgement: Judgement, *, index: int, count: int, unsafe: bool) -> Outcome | None:
    """Return what becomes of the record where the request for one element failed; None where it did not.

    ``unsafe``: what was sent before it cannot be sent again without harm, so that the record is in doubt in place of tried again.
    """
    outcome = judgement.rulings[0].outcome
    if outcome is None or outcome.verdict in _GOOD:
        return None
    if unsafe and index > 0 and outcome.verdict is Verdict.RETRY:
        outcome = replace(outcome, verdict=Verdict.IN_DOUBT, wait_seconds=None, counts=True)
    return replace(outcome, message=f"element {index + 1} of {count}: {outcome.message}")


def entry_result(ruling: Ruling, step: StepPlan) -> dict[str, Json]:
    """Return what later steps see of one element."""
    done = ruling.done or ruling.outcome is not None
    vendor_id = ruling.vendor_id or (ruling.outcome.vendor_id if ruling.outcome is not None else None)
    kept = {name: (ruling.kept or {}).get(name) for name in keeps_of(step)}
    return {"done": done, "element": ruling.element, "vendor_id": vendor_id, **kept}


def take_entries(member: RecordProgress, step: StepPlan, results: Sequence[dict[str, Json]], *, written: bool) -> None:
    """Let a record have what the requests for all its elements came to. ``written``: an earlier step has written.

    Nothing sent is nothing proven: a record without elements stands as before, and is done already where nothing else is sent of it.
    """
    done = all(result["done"] for result in results)
    listed: list[Json] = [*results]
    member.take(Ruling(done=done if results else written and not step.reads), step)
    member.idle = member.idle or not results
    if not results:
        member.done = written
    if step.name:
        steps = member.seen["steps"]
        assert isinstance(steps, dict)
        step_seen = steps[step.name]
        assert isinstance(step_seen, dict)
        steps[step.name] = {**step_seen, "done": done, "entries": listed}
    for name in ("entry", "entry_index"):
        member.seen.pop(name, None)
