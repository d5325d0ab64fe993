"""What a suite hands back: figures, each with the bar it is held against where there is one."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


@dataclass(frozen=True, slots=True)
class Figure:
    """One number. `at_least` and `at_most` are bars: reported beside the number, never asserted."""

    what: str
    value: float
    unit: str
    at_least: float | None = None
    at_most: float | None = None

    @property
    def reached(self) -> bool | None:
        """Say whether the bar is reached; None where there is no bar."""
        if self.at_least is None and self.at_most is None:
            return None
        return (self.at_least is None or self.value >= self.at_least) and (
            self.at_most is None or self.value <= self.at_most
        )


class Size(Enum):
    """How much is measured: enough to see that it works, enough for a figure, or as long as it takes."""

    TINY = "tiny"
    USUAL = "usual"
    LONG = "long"

    def of(self, tiny: int, usual: int, long: int | None = None) -> int:
        """Pick the number for this size; without `long`, a long run takes the usual one."""
        return {Size.TINY: tiny, Size.USUAL: usual, Size.LONG: usual if long is None else long}[self]


class LeftOutError(Exception):
    """A suite cannot be measured here; its text says why, and stands in the results instead of figures."""
