"""A reader of the library is freed only when it was closed: freeing one that was not may wait for ever."""

from __future__ import annotations

import gc
import weakref

from syncflow.sources.kafka.reader import Reader
from tests.ports import free_port


def test_a_reader_is_freed_when_it_was_closed_and_not_before() -> None:
    reader = Reader({"bootstrap.servers": f"127.0.0.1:{free_port()}", "group.id": "g", "log_level": 0})
    seen = weakref.ref(reader)
    del reader
    gc.collect()
    kept = seen()
    assert kept is not None
    kept.close()
    kept.close()
    del kept
    gc.collect()
    assert seen() is None
