"""Text: case, blanks, lengths, parts. In: text already read. Out: text of at most a million characters."""

from __future__ import annotations

from collections.abc import Callable

from syncflow.compiler.formats import FORMATS
from syncflow.compiler.functions.function import Group, Rule
from syncflow.compiler.functions.kinds import MOST_CHARACTERS
from syncflow.compiler.functions.parameters import integer, text
from syncflow.compiler.functions.rules import bounded, most, no_longer, text_up_to
from syncflow.compiler.types import Text, Type, longest, members, union

GROUP = Group("text", "Text")

_CASELESS = {"email", "hostname", "uuid", "uri", "e164", "date"}


def _recased(change: Callable[[str], str], factor: int) -> Rule:
    """One character may become up to ``factor`` in another case, but not in ASCII, and every format is ASCII."""

    def of(kind: Type) -> Type:
        if isinstance(kind, Text) and kind.values is not None:
            return Text(values=frozenset(map(change, kind.values)))
        if isinstance(kind, Text) and kind.format in FORMATS:
            return Text(format=kind.format if kind.format in _CASELESS else None, max_length=longest(kind))
        length = longest(kind)
        return text_up_to(None if length is None else length * (factor if isinstance(kind, Text) else 1))

    return lambda kind: union(*map(of, members(kind)))


def _lower_case(value: str) -> str:
    return bounded(value.lower())


def _upper_case(value: str) -> str:
    return bounded(value.upper())


GROUP.function(
    "lower",
    "Write text in lower case.",
    text(),
    returns=_recased(_lower_case, 2),
    examples=[("ADA@Example.COM", "ada@example.com"), (None, None)],
)(_lower_case)

GROUP.function(
    "upper",
    "Write text in upper case; one letter may become several (ß becomes SS).",
    text(),
    returns=_recased(_upper_case, 3),
    examples=[("de", "DE"), ("straße", "STRASSE")],
)(_upper_case)


@GROUP.function(
    "trim",
    "Remove blanks at both ends.",
    text(),
    returns=no_longer,
    examples=[("  Ada \n", "Ada")],
)
def _trim(value: str) -> str:
    return value.strip()


def _truncated(value: Type, count: Type) -> Type:
    lengths = [length for length in (longest(value), most(count)) if length is not None]
    return Text(max_length=max(0, min(lengths)) if lengths else None)


@GROUP.function(
    "truncate",
    "Cut text after so many characters; nothing is added.",
    text(),
    integer("most", "Most characters to keep."),
    returns=_truncated,
    examples=[("Ada Lovelace", 3, "Ada"), ("Ada", 40, "Ada")],
)
def _truncate(value: str, count: int) -> str:
    return value[: max(count, 0)]


def _replaced(value: Type, _old: Type, new: Type) -> Type:
    length, longer = longest(value), longest(new)
    return text_up_to(None if length is None or longer is None else length * max(longer, 1))


@GROUP.function(
    "replace",
    "Replace every occurrence of one text by another.",
    text(),
    text("old", "What to replace; where it is empty nothing is."),
    text("new", "What to put there."),
    returns=_replaced,
    examples=[("+1 555 0100", " ", "-", "+1-555-0100"), ("Ada", "", "x", "Ada")],
)
def _replace(value: str, old: str, new: str) -> str:
    """Replace no more often than can show within the bound, so that the work is bounded too."""
    if not old:
        return value
    return bounded(value.replace(old, new, MOST_CHARACTERS // max(len(new), 1) + 1))
