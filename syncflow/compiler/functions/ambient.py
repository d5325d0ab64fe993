"""What the world outside gives to expressions: the time, and fresh ids. Everything else is computed from the event alone."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from uuid import uuid4

from syncflow.frozen import value_class


def _random_uuid() -> str:
    return str(uuid4())


@value_class
class Ambient:
    """``now`` gives seconds since the epoch, ``uuid`` another UUID on every call."""

    now: Callable[[], float] = time.time
    uuid: Callable[[], str] = _random_uuid


_CURRENT: ContextVar[Ambient] = ContextVar("ambient", default=Ambient())  # noqa: B039  # frozen


def current() -> Ambient:
    return _CURRENT.get()


@contextmanager
def surrounded_by(ambient: Ambient) -> Iterator[None]:
    """Let functions take time and ids from ``ambient`` within the block; only this thread's or this coroutine's calls."""
    token = _CURRENT.set(ambient)
    try:
        yield
    finally:
        _CURRENT.reset(token)
