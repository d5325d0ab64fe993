"""The collector of garbage, while seeds are lived: what lasts is looked at once, not at each of thousands of collections."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from tests.simulation.soak import spare_the_collector


@pytest.fixture(autouse=True, scope="module")
def spared_collector() -> Iterator[None]:
    before = gc.get_threshold()
    spare_the_collector()
    yield
    gc.set_threshold(*before)
    gc.unfreeze()
