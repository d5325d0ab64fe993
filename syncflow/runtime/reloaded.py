"""The last reload of a running engine, as the live view, ``status`` and the journal know it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class LastReload:
    """``words``: the places that changed, or why the files are not used. Never a value."""

    at: float
    """Wall seconds."""
    result: Literal["unchanged", "used", "refused"]
    words: str = ""

    def line(self) -> str:
        """Return it in one line, without the time."""
        if self.result == "unchanged":
            return "last reload: nothing changed"
        return f"last reload: used ({self.words})" if self.result == "used" else f"last reload: refused: {self.words}"
