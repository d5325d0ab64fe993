"""Rules for the types of results: how long a text can get, what is kept of an argument."""

from __future__ import annotations

from collections.abc import Callable

from syncflow.compiler.functions.kinds import MOST_CHARACTERS
from syncflow.compiler.types.json import Integer, Number, Text, Type, longest, members
from syncflow.compiler.types.narrowing import constant


def bounded(text: str) -> str:
    """Cut ``text`` where it exceeds what any function may return."""
    return text[:MOST_CHARACTERS]


def text_up_to(characters: int | None) -> Type:
    """Return the type of texts of at most this many characters; None and whatever exceeds the bound of all functions is
    that bound."""
    return Text(max_length=MOST_CHARACTERS if characters is None else max(0, min(characters, MOST_CHARACTERS)))


def no_longer(text: Type, *_: Type) -> Type:
    """The result is a part of the text, or as long."""
    return Text(max_length=longest(text))


def grown(factor: int) -> Callable[..., Type]:
    """The result has at most ``factor`` characters for each of the text's."""

    def rule(text: Type, *_: Type) -> Type:
        length = longest(text)
        return text_up_to(None if length is None else length * factor)

    return rule


def most(kind: Type) -> int | None:
    """Return the largest whole number of a type, None where there is no bound."""
    bounds = [member.most if isinstance(member, Integer | Number) else None for member in members(kind)]
    return None if None in bounds or not bounds else int(max(bound for bound in bounds if bound is not None))


def least(kind: Type) -> int | None:
    """Return the smallest whole number of a type, None where there is no bound."""
    bounds = [member.least if isinstance(member, Integer | Number) else None for member in members(kind)]
    return None if None in bounds or not bounds else int(min(bound for bound in bounds if bound is not None))


def constant_text(kind: Type) -> str | None:
    """Return the text that is the only value of a type, None where there is no such."""
    value = constant(kind)
    return value if isinstance(value, str) else None
