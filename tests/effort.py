"""How hard tests that look for counterexamples look: the same examples in every run of ``make test``, others and many more
by ``make fuzz``."""

from __future__ import annotations

import os
from typing import Final

from hypothesis import settings

EFFORT: Final = int(os.environ.get("EFFORT", "1"))


def examples(count: int) -> int:
    """Return how many examples to try where ``make test`` tries ``count``."""
    return count * EFFORT


def load_profile() -> None:
    """Make runs repeat each other, unless more than the usual is asked for: a change is to fail for what it changed."""
    settings.register_profile("syncflow", derandomize=EFFORT == 1, deadline=None, print_blob=True)
    settings.load_profile("syncflow")
