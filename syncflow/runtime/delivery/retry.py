"""When to try again: exponential, with full jitter, bounded by attempts and age. tenacity computes the waits and the stops."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

import tenacity

from syncflow.compiler.policies import RetryPolicy


@dataclass(frozen=True, slots=True)
class Retries:
    """A policy with its randomness."""

    policy: RetryPolicy
    random: Random

    def wait_seconds(self, attempt: int) -> float:
        """How long to wait after this attempt (1 for the first): up to first · 2^(attempt-1), never more than the most."""
        ceiling = tenacity.wait_exponential(multiplier=self.policy.first_seconds, max=self.policy.most_seconds)
        return self.random.uniform(0, ceiling(_state(attempt, 0.0)))

    def exhausted(self, attempt: int, *, age_seconds: float) -> bool:
        """Whether this attempt was the last that the policy allows."""
        by_attempts = tenacity.stop_after_attempt(self.policy.attempts)
        by_age = tenacity.stop_after_delay(self.policy.age_seconds)
        return (by_attempts | by_age)(_state(attempt, age_seconds))


def _state(attempt: int, age_seconds: float) -> tenacity.RetryCallState:
    state = tenacity.RetryCallState(
        retry_object=tenacity.BaseRetrying.__new__(tenacity.Retrying), fn=None, args=(), kwargs={}
    )
    state.attempt_number = attempt
    state.start_time = 0.0
    state.outcome_timestamp = age_seconds
    return state
