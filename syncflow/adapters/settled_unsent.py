"""Outcomes without a request: what an operation decides of a record by itself (``then``, ``require``). Pure.

In: the decisions that stand before a step, and what each record has come to. Out: an outcome for each record that one of them settles.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from syncflow.adapters.record_progress import RecordProgress
from syncflow.compiler.values import is_true
from syncflow.compiler.wire.plans import DecisionPlan, Root, Value
from syncflow.errors import DataError
from syncflow.events import Outcome, Verdict

_VERDICTS: Final = {"already_done": Verdict.ALREADY_DONE, "reject": Verdict.REJECTED, "retry": Verdict.RETRY}
_MESSAGE_CHARACTERS: Final = 500


def decide_records(
    decisions: Sequence[DecisionPlan], members: Iterable[RecordProgress], *, mask: Callable[[str], str]
) -> None:
    """Settle the records that a decision is for; the first that is for a record decides."""
    if not decisions:
        return
    for member in members:
        if member.outcome is None:
            plan = next((plan for plan in decisions if applies(plan, member.seen)), None)
            if plan is not None:
                member.outcome = _outcome(plan, member, mask=mask)


def applies(plan: DecisionPlan, seen: Root) -> bool:
    """Whether a decision is for a record: ``when`` holds, and ``require`` does not. What cannot be told does not hold."""
    return _holds(plan.when, seen) and (plan.require is None or not _holds(plan.require, seen))


def message_of(plan: DecisionPlan, seen: Root) -> str:
    """Return the words of a decision; where they cannot be made of this record, why."""
    if plan.message is None:
        return ""
    try:
        return plan.message(seen)
    except DataError as error:
        return f"{plan.place}: {error.message}"


def _holds(condition: Value | None, seen: Root) -> bool:
    if condition is None:
        return True
    try:
        return is_true(condition(seen))
    except DataError:
        return False


def _outcome(plan: DecisionPlan, member: RecordProgress, *, mask: Callable[[str], str]) -> Outcome:
    verdict = _VERDICTS[plan.then]
    if member.done and verdict is Verdict.ALREADY_DONE:
        verdict = Verdict.DELIVERED
    good = plan.then == "already_done"
    return Outcome(
        verdict,
        code="" if good else plan.code,
        message=mask(message_of(plan, member.seen))[:_MESSAGE_CHARACTERS],
        vendor_id=member.vendor_id,
        wait_seconds=plan.wait_seconds if verdict is Verdict.RETRY else None,
        rule=plan.place,
    )
