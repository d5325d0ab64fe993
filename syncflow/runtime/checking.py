"""Check a system, and again where its trouble can end by itself. tenacity does the repeating."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import tenacity

from syncflow.adapters.check import CheckResult
from syncflow.adapters.clients import Client
from syncflow.clock import Clock

TRIES: Final = 4
MOST_SECONDS: Final = 10.0
"""The longest single wait, whatever an answer asks for: a person waits for a check."""
_ORDINAL: Final = {2: "second", 3: "third", 4: "fourth"}


async def check_system(client: Client, *, clock: Clock) -> CheckResult:
    """Return what a check came to; an unreachable system is tried four times within a few seconds."""
    tries = tenacity.AsyncRetrying(
        sleep=clock.sleep,
        retry=tenacity.retry_if_result(_is_unreachable),
        wait=_wait,
        stop=tenacity.stop_after_attempt(TRIES),
        retry_error_callback=_last,
    )
    result: CheckResult = await tries(client.check)
    number = tries.statistics["attempt_number"]
    if result.good and number > 1:
        return replace(result, message=f"{result.message} (at the {_ORDINAL[number]} try)")
    return result


def _is_unreachable(result: CheckResult) -> bool:
    return result.state == "unreachable"


def _wait(state: tenacity.RetryCallState) -> float:
    own = tenacity.wait_exponential(multiplier=0.25, max=MOST_SECONDS)(state)
    asked = _last(state).wait_seconds or 0.0
    return min(max(own, asked), MOST_SECONDS)


def _last(state: tenacity.RetryCallState) -> CheckResult:
    assert state.outcome is not None
    result: CheckResult = state.outcome.result()
    return result
