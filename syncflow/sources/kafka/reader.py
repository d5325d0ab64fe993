"""The library's reader, freed only when it was closed.

The library frees one that was not closed by waiting for its threads: in the middle of whatever Python collects its garbage in, and for ever
where its broker has gone. So each is kept alive until its ``close`` has returned; one that cannot be closed stays until the process ends.
"""

from __future__ import annotations

import ctypes
from typing import Any

from confluent_kafka import Consumer

_COUNT = (ctypes.pythonapi.Py_IncRef, ctypes.pythonapi.Py_DecRef)
for _function in _COUNT:
    _function.argtypes, _function.restype = [ctypes.py_object], None
_keep, _let_go = _COUNT


class Reader(Consumer):
    """A consumer of the library."""

    def __init__(self, settings: dict[str, Any]) -> None:
        super().__init__(settings)
        self._is_kept = True
        _keep(self)

    def close(self) -> None:
        """Leave the group and end; may take as long as the library wants, and fail."""
        super().close()
        if self._is_kept:
            self._is_kept = False
            _let_go(self)
