"""What a refusal means: the adapter's rules, first match wins, then the defaults that hold for any API over HTTP. Pure.

In: what is known of a refusal. Out: a ``Decision``. What nothing matches is never *delivered*.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from syncflow.adapters.retry_after import read_wait, until_midnight
from syncflow.compiler.values import is_true
from syncflow.compiler.wire.expression_input import as_text
from syncflow.compiler.wire.plans import RulePlan, Then
from syncflow.errors import DataError
from syncflow.events import Action, Json

PARK_SECONDS = 900.0
ASKED = "Retry-After"
"""By whose word a system waits that an answer told to."""
_GATEWAY = frozenset({502, 503, 504, 521, 522, 523, 524})
_SETTLING = frozenset({"delivered", "already_done", "next"})
_OF_ONE = frozenset({"delivered", "already_done", "retry", "reject", "in_doubt"})
_LATER = frozenset({408, 423, 425})


@dataclass(frozen=True, slots=True)
class Refusal:
    """What is known of a request or a record that was not a success."""

    status: int
    operation: Action | None
    code: str = ""
    message: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Json = None
    element: Json = None
    alone: bool = False
    """Whether this is one record's own refusal, rather than that of a request."""
    records: int = 1
    """How many records the request carried."""
    key_name: str = ""
    """The field that identifies them."""
    adopts: bool = False
    """Whether what it finds there already may be taken for ours (``adopt`` of a mapping)."""


@dataclass(frozen=True, slots=True)
class Decision:
    then: Then
    wait_seconds: float | None = None
    place: str = ""
    vendor_id: str | None = None
    told: tuple[str, ...] = ()
    """With ``adopt``: the ids of what is there."""
    otherwise: Decision | None = None
    """With ``adopt``: what it means where nothing of that can be adopted."""
    by: str = ""
    """By whose word it waits: ``Retry-After``, else the rule's line."""


def decide(rules: tuple[RulePlan, ...], refusal: Refusal, *, now: float, has_token: bool, unsafe: bool) -> Decision:
    """Return what a refusal means. ``unsafe``: repeating the operation could do it twice."""
    for rule in rules:
        if _fits(rule, refusal):
            if rule.then == "adopt":
                return _adopt(
                    rule,
                    refusal,
                    decide(rules, replace(refusal, adopts=False), now=now, has_token=has_token, unsafe=unsafe),
                )
            return _bounded(_by_rule(rule, refusal, now=now), refusal)
    then = _default(refusal, has_token=has_token, unsafe=unsafe)
    seconds, by = _wait(then, refusal, None, now=now)
    return Decision(then, seconds, by=by)


def _fits(rule: RulePlan, refusal: Refusal) -> bool:
    return (
        (not rule.statuses or refusal.status in rule.statuses)
        and (not rule.codes or refusal.code in rule.codes)
        and (rule.operation is None or rule.operation == refusal.operation)
        and (rule.message is None or rule.message(refusal.message))
        and all(found(refusal.headers.get(name, "")) for name, found in rule.headers)
        and (rule.when is None or is_true(_evaluated(rule.when, refusal)))
        and (rule.then != "adopt" or refusal.adopts)
    )


def _by_rule(rule: RulePlan, refusal: Refusal, *, now: float) -> Decision:
    vendor_id = _evaluated(rule.vendor_id, refusal)
    seconds, by = _wait(rule.then, refusal, rule, now=now)
    return Decision(
        then=rule.then,
        wait_seconds=seconds,
        by=by,
        place=rule.place,
        vendor_id=None if vendor_id in (None, "") else as_text(vendor_id),
    )


def _adopt(rule: RulePlan, refusal: Refusal, otherwise: Decision) -> Decision:
    """``otherwise``: what the other rules say; one that speaks of more than the record rejects it, for the look-up has come to nothing."""
    found = _evaluated(rule.vendor_id, refusal)
    ids = [each for each in (found if isinstance(found, list) else [found]) if each not in (None, "")]
    otherwise = otherwise if otherwise.then in _OF_ONE else Decision("reject", place=otherwise.place)
    return Decision("adopt", place=rule.place, told=tuple(dict.fromkeys(map(as_text, ids))), otherwise=otherwise)


def _bounded(decision: Decision, refusal: Refusal) -> Decision:
    """Hold a rule's word to what it can mean: one record cannot be split, nobody knows which of many was meant by a rejection.

    An id is that of one record, so many that are refused with one are split too.
    """
    many = not refusal.alone and refusal.records > 1
    then: Then = decision.then
    if then == "split" and not many:
        then = "reject"
    elif many and (then == "reject" or (decision.vendor_id is not None and then in _SETTLING)):
        then = "split"
    return decision if then == decision.then else Decision(then, None, decision.place, decision.vendor_id)


def _default(refusal: Refusal, *, has_token: bool, unsafe: bool) -> Then:  # noqa: PLR0911  # one line for each range
    status = refusal.status
    if refusal.alone:
        return "reject"
    if status == 401:
        return "reauthenticate" if has_token else "stop"
    if status == 403 or 300 <= status < 400:
        return "stop"
    if status == 429:
        return "throttle"
    if status in _LATER:
        return "retry"
    if status >= 500:
        return "in_doubt" if unsafe and status != 503 else "retry"
    return "split" if refusal.records > 1 else "reject"


def _wait(then: Then, refusal: Refusal, rule: RulePlan | None, *, now: float) -> tuple[float | None, str]:
    """Return how long to wait, and by whose word: a rule's *until*, else the answer's own, else the rule's, else a default."""
    place = rule.place if rule is not None else ""
    if then not in {"retry", "throttle", "park"}:
        return None, place
    if rule is not None and rule.midnight is not None:
        return until_midnight(rule.midnight, now=now), place
    asked = read_wait(refusal.headers.get("retry-after"), now=now)
    if asked is not None:
        return asked, ASKED
    if rule is not None:
        asked = read_wait(_evaluated(rule.wait, refusal), now=now)
    return asked if asked is not None else PARK_SECONDS if then == "park" else None, place


def _evaluated(value: Callable[[Json], Json] | None, refusal: Refusal) -> Json:
    if value is None:
        return None
    root: dict[str, Json] = {
        "status": refusal.status,
        "code": refusal.code,
        "message": refusal.message,
        "headers": dict(refusal.headers),
        "body": refusal.body,
        "element": refusal.element,
        "key": {"name": refusal.key_name},
    }
    try:
        return value(root)
    except DataError:
        return None


def is_own_attempt(refusal: Refusal, then: Then) -> bool:
    """Return whether a refusal counts against the record: one for rate, for sign-in or by a host in trouble does not."""
    if then in {"throttle", "park", "reauthenticate", "stop", "split"}:
        return False
    return refusal.alone or refusal.status not in _GATEWAY
