"""How often open pages are told of changes. In a file of its own: where a browser is at work, no other loop can run."""

from __future__ import annotations

import asyncio
from itertools import count

import pytest

from syncflow.console.live import Pulse
from syncflow.testing import run_virtually


@pytest.mark.parametrize(("pages", "looks"), [(1, 40), (10, 40), (20, 20), (100, 4)])
def test_many_open_pages_are_told_less_often_so_that_all_together_cost_the_same(pages: int, looks: int) -> None:
    """Each page asks again when it is told of a change: with 20 of them a run lost seven hundredths of a core."""
    looked = count()

    async def main() -> int:
        pulse = Pulse(lambda: str(next(looked)))
        for _ in range(pages):
            assert pulse.admit()
        before = next(looked)
        await asyncio.sleep(40.5)
        pulse.close()
        return next(looked) - before - 1

    assert abs(run_virtually(main()) - looks) <= 1


def test_pages_are_told_once_more_when_changes_have_come_to_rest() -> None:
    """What a page shows may be a second old: made at the last change, it may not show it, and nothing else would tell."""
    looks = iter(["a", "b", "c"])

    async def main() -> list[str]:
        pulse = Pulse(lambda: next(looks, "c"))
        assert pulse.admit()
        told = [pulse.version]
        for _ in range(4):
            told.append(await pulse.after(told[-1]))
        pulse.close()
        return told

    assert run_virtually(main()) == ["a", "b", "c", "c_at_rest", "c_at_rest"], "then only that the stream lives"
