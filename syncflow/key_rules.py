"""Which keys are the same on the other side: a rule that is data, so that it can be handed to another process."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal
from unicodedata import normalize

from syncflow.events import Key


@dataclass(frozen=True, slots=True)
class KeyRule:
    """Called with a key, returns a text that is equal for keys that are the same there."""

    trim: bool = False
    form: Literal["NFC", "NFKC"] | None = None
    fold_case: bool = False

    def __call__(self, key: str) -> str:
        if self.form is None:  # by itself: this is called several times for every event
            text = key.strip() if self.trim else key
            return text.lower() if self.fold_case else text
        text = self.tidy(key)
        if not self.fold_case:
            return text
        folded = text.lower()  # lower case may come apart into another form
        return normalize(self.form, folded)

    def tidy(self, key: str) -> str:
        """Return a key as it is sent: in its own case. Blanks alone are no key where blanks are dropped."""
        shaped = key if self.form is None else normalize(self.form, key)
        return shaped.strip() if self.trim else shaped


NAMED = "\x1e"
"""Stands behind the field's name in a key as it is compared, where records of one object have keys of several fields."""


@dataclass(frozen=True, slots=True)
class KeyRules:
    """How the keys of one object are compared: the rule of each field that is a key of it. It can be pickled.

    Where all records have the same field as key, its values alone are compared; else ``5`` in one field is another key than
    ``5`` in another.
    """

    by_name: Mapping[str, Callable[[str], str]]

    def compared(self, key: Key) -> str:
        """Return a text that is equal for keys that are the same there."""
        rules = self.by_name
        if len(rules) == 1:
            for rule in rules.values():
                return rule(key.value)
        return f"{key.name}{NAMED}{self.by_name.get(key.name, str)(key.value)}"

    def told(self, probe: str) -> str:
        """Return what the rules make of a text, which tells them apart."""
        if len(self.by_name) == 1:
            [rule] = self.by_name.values()
            return rule(probe)
        return NAMED.join(f"{name}={rule(probe)}" for name, rule in sorted(self.by_name.items()))


def named(compared: str, value: str, name: str) -> Key:
    """Return the key that was sent as ``value`` and is compared as ``compared``; ``name``: its field where that does not say it."""
    field, is_named, _ = compared.partition(NAMED)
    return Key(field if is_named else name, value)
