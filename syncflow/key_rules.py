"""Which keys are the same on the other side: a rule that is data, so that it can be handed to another process."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal
from unicodedata import normalize


@dataclass(frozen=True, slots=True)
class KeyRule:
    """Called with a key, returns a text that is equal for keys that are the same there."""

    trim: bool = False
    form: Literal["NFC", "NFKC"] | None = None
    fold_case: bool = False

    def __call__(self, key: str) -> str:
        text = self.tidy(key)
        if not self.fold_case:
            return text
        folded = text.lower()  # lower case may come apart into another form
        return folded if self.form is None else normalize(self.form, folded)

    def tidy(self, key: str) -> str:
        """Return a key as it is sent: in its own case. Blanks alone are no key where blanks are dropped."""
        shaped = key if self.form is None else normalize(self.form, key)
        return shaped.strip() if self.trim else shaped
