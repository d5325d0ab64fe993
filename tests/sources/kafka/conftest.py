"""A private broker for the tests of this folder, with topics of their own for each."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.servers.kafka import Server, Topics, running


@pytest.fixture(scope="session")
def broker() -> Iterator[Server]:
    with running() as server:
        yield server


@pytest.fixture
def topics(broker: Server) -> Topics:
    return Topics(broker)
