"""Private servers for tests: a free port, a folder of their own, ended at the end. One module a server."""

from __future__ import annotations

import os

import pytest


def need(program: str | None, name: str) -> str:
    """Return a program; without it the tests of a module are skipped, and in CI they fail."""
    if program is not None:
        return program
    words = f"{name} is not installed: its tests did not run"
    if os.environ.get("CI") == "true":
        pytest.fail(words, pytrace=False)
    pytest.skip(words)
