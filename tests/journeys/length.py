"""How long the loops are in which runs of a source are killed: short in ``make test``, long with ``KILLS=50 EVENTS=100000``.

``HOLD=60`` lets a run hold its source back for so many seconds.
"""

from __future__ import annotations

import os
from typing import Final

_KILLS: Final = int(os.environ.get("KILLS", "0"))
_EVENTS: Final = int(os.environ.get("EVENTS", "0"))
_HOLD: Final = float(os.environ.get("HOLD", "0"))


def kills(usual: int = 10) -> int:
    """Return how many runs to kill."""
    return _KILLS or usual


def events(usual: int) -> int:
    """Return how many events to send."""
    return _EVENTS or usual


def hold(usual: float) -> float:
    """Return for how many seconds a source is not read; longer than the patience of its server."""
    return max(_HOLD, usual)
