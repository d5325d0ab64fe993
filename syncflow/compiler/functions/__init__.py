"""One library of functions for both languages of expressions: typed, total, documented with examples that run.

A function's value comes first: ``truncate(item.name, `40`)`` in JMESPath is ``{{ item.name | truncate(40) }}`` in
Jinja.
"""

from __future__ import annotations

from syncflow.compiler.functions import (
    choice,
    contact,
    countries,
    dates,
    encode,
    hashes,
    names,
    numbers,
    parts,
    patterns,
    structure,
    text,
)
from syncflow.compiler.functions.function import Example, Function, Group, Parameter
from syncflow.compiler.functions.jmespath_own import JMESPATH_FUNCTIONS, JMESPathFunction
from syncflow.compiler.functions.library import Library

GROUPS: tuple[Group, ...] = (
    text.GROUP,
    parts.GROUP,
    names.GROUP,
    contact.GROUP,
    countries.GROUP,
    choice.GROUP,
    dates.GROUP,
    numbers.GROUP,
    structure.GROUP,
    patterns.GROUP,
    encode.GROUP,
    hashes.GROUP,
)

FUNCTIONS = Library(function for group in GROUPS for function in group.functions)

JMESPATH_BUILT_INS = frozenset(JMESPATH_FUNCTIONS)
"""In JMESPath these names are the language's own; a function of ours with such a name has the same meaning and serves
Jinja."""

__all__ = [
    "FUNCTIONS",
    "GROUPS",
    "JMESPATH_BUILT_INS",
    "JMESPATH_FUNCTIONS",
    "Example",
    "Function",
    "Group",
    "JMESPathFunction",
    "Library",
    "Parameter",
]
