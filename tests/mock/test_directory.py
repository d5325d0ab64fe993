"""The mock Acme Directory: ``directory.yaml`` holds the laws."""

from __future__ import annotations

import pytest

from .kit import Case, cases, play


@pytest.mark.parametrize("case", cases("directory.yaml"))
def test_law(case: Case) -> None:
    play(case, mount="/directory", headers={"X-Directory-Key": "demo-key"})
