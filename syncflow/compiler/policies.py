"""How a system is retried and when it stops for its dead letters: its own settings over the project's. Pure."""

from __future__ import annotations

from typing import TypeVar

from syncflow.config.models.routes import DeadLetterSettings, RetrySettings, RoutesFile, SystemSettings
from syncflow.frozen import value_class

Settings = TypeVar("Settings", RetrySettings, DeadLetterSettings)


@value_class
class RetryPolicy:
    attempts: int
    first_seconds: float
    most_seconds: float
    age_seconds: float


def retry_of(project: RoutesFile, system: SystemSettings) -> RetryPolicy:
    """Return how deliveries to a system are tried again."""
    return retry_policy(_over(project.retry, system.retry))


def retry_policy(settings: RetrySettings) -> RetryPolicy:
    """Return the settings as a policy."""
    return RetryPolicy(settings.attempts, settings.first, settings.most, settings.age)


def stop_after_of(project: RoutesFile, system: SystemSettings) -> int | str:
    """Return how many dead letters within an hour a system makes at most: a number, or a share like ``5%``."""
    return _over(project.dead_letters, system.dead_letters).stop_after


def _over(base: Settings, own: Settings) -> Settings:
    return base.model_copy(update={name: getattr(own, name) for name in own.model_fields_set})
