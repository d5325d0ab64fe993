"""For tests: fakes to put where the real things would be, and the runner of the ``tests:`` that projects hold."""

from __future__ import annotations

from syncflow.testing.fakes import (
    FakeSystem,
    FakeSystems,
    ListSource,
    Script,
    VirtualClock,
    VirtualLoop,
    run_virtually,
)

__all__ = ["FakeSystem", "FakeSystems", "ListSource", "Script", "VirtualClock", "VirtualLoop", "run_virtually"]
