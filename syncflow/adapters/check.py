"""A system's check judged: good, refused or unreachable. Pure.

In: the answer to the adapter's harmless read, or why there is none. Out: a ``CheckResult``. A good status alone proves little: some APIs
refuse inside a 200, and a proxy answers with its own page.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from syncflow.adapters.bodies import decode
from syncflow.adapters.http import HttpResponse, NoResponse
from syncflow.adapters.judge import Judge
from syncflow.adapters.refusal_rules import Decision, Refusal
from syncflow.adapters.signin import NoToken
from syncflow.adapters.truth import says_yes
from syncflow.compiler.wire.plans import CheckPlan
from syncflow.errors import DataError
from syncflow.events import Json

_PASSES = frozenset({"retry", "throttle", "park", "in_doubt"})
"""What rules decide about trouble that can end by itself."""


@dataclass(frozen=True, slots=True)
class CheckResult:
    """Whether a system lets us in; ``message`` is for a person. ``wait_seconds``: how long the system asked to wait."""

    state: Literal["good", "refused", "unreachable"]
    message: str
    wait_seconds: float | None = field(default=None, compare=False)

    @property
    def good(self) -> bool:
        """Whether the system answered and accepted our credentials."""
        return self.state == "good"


def not_signed_in(trouble: NoToken) -> CheckResult:
    """Return what a failed sign-in means. Without a signal, or with one that waits, the failure can end by itself."""
    signal = trouble.signal
    if signal is None or signal.kind in {"throttle", "park"}:
        return CheckResult("unreachable", trouble.message, signal.wait_seconds if signal else None)
    return CheckResult("refused", trouble.message)


def judge_check(plan: CheckPlan, answer: HttpResponse | NoResponse, judge: Judge, *, now: float) -> CheckResult:
    """Return what the answer to a check means."""
    if isinstance(answer, NoResponse):
        return CheckResult("refused" if answer.forbidden else "unreachable", answer.reason)
    refusal = judge.refusal(answer, operation=None)
    if 200 <= answer.status < 300:
        return _of_a_good_status(plan, answer, refusal, judge.decide(refusal, now=now))
    decision = judge.decide(refusal, now=now)
    words = _words(refusal, decision)
    if decision.then in _PASSES:
        return CheckResult(
            "unreachable", _sentence(f"answered with status {answer.status}", words), decision.wait_seconds
        )
    return CheckResult("refused", f"refused with status {answer.status}: {_words(refusal, decision, status=True)}")


def _of_a_good_status(plan: CheckPlan, answer: HttpResponse, refusal: Refusal, decision: Decision) -> CheckResult:
    body, trouble = decode(answer)
    if trouble and answer.body.strip() and not plan.any_body:
        return CheckResult("refused", f"{plan.request.place}: the answer proves nothing: {trouble}")
    named = bool(decision.place) and bool(refusal.code)
    if _accepts(plan, body) and not (named and decision.then not in {"delivered", "already_done", "next"}):
        return CheckResult("good", f"answered with status {answer.status}")
    words = _sentence(f"refused inside a {answer.status}", _words(refusal, decision))
    if named and decision.then in _PASSES:
        return CheckResult("unreachable", words, decision.wait_seconds)
    return CheckResult("refused", words)


def _accepts(plan: CheckPlan, body: Json) -> bool:
    """Whether the check's own ``ok`` is true; without one, none of the operations' ``ok`` is exactly false.

    These were written for other answers, which hold more than that of a check.
    """
    try:
        if plan.ok is not None:
            return says_yes(plan.ok(body))
        return not any(ok(body) is False for ok in plan.others)
    except DataError:
        return False


def _words(refusal: Refusal, decision: Decision, *, status: bool = False) -> str:
    """Return what the refusal says of itself: code, message, and the line of the rule that decided."""
    message = refusal.message if status or refusal.message != f"status {refusal.status}" else ""
    return " ".join(filter(None, (refusal.code, message, decision.place and f"({decision.place})")))


def _sentence(beginning: str, words: str) -> str:
    return f"{beginning}: {words}" if words else beginning
