"""All or nothing: writes of one object type are noted as they happen, so that they can be taken back."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType

from .records import ObjectType


class Transaction:
    """Notes every write of an object type while it is entered."""

    def __init__(self, kind: ObjectType) -> None:
        self._kind = kind
        self._done: list[Callable[[], None]] = []

    def __enter__(self) -> Transaction:
        self._kind.undo = self._done
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self.roll_back()
        self._kind.undo = None

    def roll_back(self) -> None:
        """Take back everything written since the transaction was entered, last first."""
        self._kind.undo = None
        while self._done:
            self._done.pop()()
