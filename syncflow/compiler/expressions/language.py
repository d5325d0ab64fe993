"""What the two languages mean differently: everything else about an expression is said once, by its construct (``nodes``).

JMESPath reads null where nothing is, and takes 0 for true. To Jinja absent is a value of its own, which fails where it is used, and
true and false are Python's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from syncflow.compiler.expressions import truth
from syncflow.compiler.expressions.built_ins import BUILT_INS, BuiltIn
from syncflow.compiler.expressions.jinja.built_ins import JINJA_BUILT_INS
from syncflow.compiler.functions import Function
from syncflow.compiler.types.json import (
    ABSENT,
    BOOLEAN,
    NEVER,
    NULL,
    Anything,
    Boolean,
    Integer,
    Number,
    Type,
    accepts,
    members,
    union,
)
from syncflow.compiler.types.narrowing import absent_as_null, without_absent
from syncflow.compiler.values import text_of
from syncflow.frozen import value_class


@value_class
class Language:
    """``missing``: the type of a field that is not there. ``built_ins``: the language's own functions; those of ``first`` go before
    functions of ours that have their name. ``either``, ``both``: how the operators are written."""

    missing: Type
    built_ins: Mapping[str, BuiltIn]
    first: frozenset[str]
    either: str
    both: str

    @property
    def is_jinja(self) -> bool:
        return self.missing is ABSENT

    def read(self, kind: Type) -> Type:
        """Return the type of what is read where values of a type may stand."""
        return kind if self.is_jinja else absent_as_null(kind)

    def built_in(self, name: str, functions: Mapping[str, Function]) -> BuiltIn | None:
        """Return the language's own function of a name, None where a function of ours is meant."""
        return self.built_ins.get(name) if name in self.first or name not in functions else None

    def when_true(self, kind: Type) -> Type:
        """Return the type of those values that count as true."""
        found = truth.when_true(kind)
        return union(*(member for member in members(found) if not _is_zero(member))) if self.is_jinja else found

    def when_false(self, kind: Type) -> Type:
        """Return the type of those values that count as false."""
        if not self.is_jinja:
            return truth.when_false(kind)
        there = without_absent(kind)
        zero = [Integer(0, 0)] if any(_may_be_zero(member) for member in members(there)) else []
        return union(truth.when_false(there), *zero)

    def verdict(self, kind: Type) -> Type:
        """Return the type of the answer to: does the value count as true?"""
        if self.when_false(kind) == NEVER:
            return NEVER if kind == NEVER else Boolean(only=True)
        return Boolean(only=False) if self.when_true(kind) == NEVER else BOOLEAN

    def is_plain(self, kind: Type) -> bool:
        """Return whether Python's own truth of every value is the language's."""
        return self.is_jinja or truth.is_plain(kind)

    def called(self, name: str) -> str:
        """Return how messages name a function."""
        return name if self.is_jinja else f"{name}()"

    def written(self, value: str | float) -> str:
        """Return a text or a number as it is written in an expression."""
        if isinstance(value, str):
            return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
        return str(text_of(value)) if self.is_jinja else f"`{text_of(value)}`"


def _is_zero(kind: Type) -> bool:
    return isinstance(kind, Integer | Number) and kind.least == kind.most == 0


def _may_be_zero(kind: Type) -> bool:
    return isinstance(kind, Anything) or (isinstance(kind, Integer | Number) and accepts(kind, 0))


JMESPATH: Final = Language(NULL, BUILT_INS, frozenset(BUILT_INS), "||", "&&")
JINJA: Final = Language(ABSENT, JINJA_BUILT_INS, frozenset({"join"}), "or", "and")
