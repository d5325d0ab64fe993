"""All or nothing: writes are noted as they happen, so that they can be taken back."""

from __future__ import annotations

from types import TracebackType

from .entity import Undo
from .org import Salesforce


class Transaction:
    """Notes every write of an org while it is entered. An inner one hands its notes to the outer one."""

    def __init__(self, org: Salesforce) -> None:
        self._entities = list(org.entities.values())
        self._done: list[Undo] = []
        self._outer: list[Undo] | None = None

    def __enter__(self) -> Transaction:
        self._outer = self._entities[0].undo
        self._note(self._done)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._outer is not None:
            self._outer.extend(self._done)
        self._note(self._outer)

    def roll_back(self) -> None:
        """Take back everything written since the transaction was entered, last first."""
        while self._done:
            self._done.pop()()

    def _note(self, notes: list[Undo] | None) -> None:
        for entity in self._entities:
            entity.undo = notes
