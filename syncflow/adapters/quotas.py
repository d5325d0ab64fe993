"""What answers tell of a quota: when nothing is left of it, the system waits before it is refused. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from syncflow.adapters.http import HttpResponse
from syncflow.adapters.retry_after import read_wait
from syncflow.compiler.wire.plans import QuotaPlan, Root, Value
from syncflow.errors import DataError
from syncflow.events import Json, Signal

USUAL_WAIT_SECONDS = 60.0
PARK_SECONDS = 300.0


def used_up(quotas: Sequence[QuotaPlan], answer: HttpResponse, body: Json, *, now: float) -> Signal | None:
    """Return the longest pause that an answer asks for by what it says is left; None where it says nothing of that kind."""
    root: Root = {"headers": dict(answer.headers), "status": answer.status, "body": body}
    waits = [(_wait(quota, root, now=now), quota.place) for quota in quotas if _is_used_up(quota, root)]
    if not waits:
        return None
    seconds, place = max(waits)
    kind = "park" if seconds >= PARK_SECONDS else "throttle"
    reason = f"nothing is left of the quota that the answer tells ({place})"
    return Signal(kind, seconds, reason, refused=False, by=place)  # type: ignore[arg-type]  # both are kinds


def _is_used_up(quota: QuotaPlan, root: Root) -> bool:
    try:
        return float(_evaluated(quota.remaining, root)) <= 0  # type: ignore[arg-type]  # what is no number is refused here
    except (TypeError, ValueError):
        return False


def _wait(quota: QuotaPlan, root: Root, *, now: float) -> float:
    asked = None if quota.wait is None else read_wait(_evaluated(quota.wait, root), now=now)
    return USUAL_WAIT_SECONDS if asked is None else asked


def _evaluated(value: Value, root: Root) -> Json:
    try:
        return value(root)
    except DataError:
        return None
