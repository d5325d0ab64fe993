"""Text: case, blanks, lengths, parts. In: text already read. Out: text of at most a million characters."""

from __future__ import annotations

import unicodedata

from syncflow.compiler.functions.function import Group, Rule
from syncflow.compiler.functions.graphemes import cut
from syncflow.compiler.functions.idle import alike, below_one, empty
from syncflow.compiler.functions.kinds import MOST_CHARACTERS
from syncflow.compiler.functions.parameters import anything, integer, text
from syncflow.compiler.functions.rules import bounded, most, no_longer, text_up_to
from syncflow.compiler.types.formats import FORMATS
from syncflow.compiler.types.json import (
    BOOLEAN,
    LOWER_CASE,
    TRIMMED,
    UPPER_CASE,
    Integer,
    Text,
    Type,
    longest,
    members,
    nullable,
    shortest,
    union,
)
from syncflow.events import Json
from syncflow.patterns import lazy_pattern

GROUP = Group("text", "Text")

_CASELESS = {"email", "hostname", "uuid", "uri", "e164", "date"}


def _recased(factor: int, *, keeps: bool = True, pattern: str | None = None) -> Rule:
    """One character may become up to ``factor`` in another case, but not in ASCII, and every format is ASCII.

    With ``keeps`` no character becomes none, so that the text gets no shorter.
    """

    def of(kind: Type) -> Type:
        if isinstance(kind, Text) and kind.format in FORMATS:
            kept = kind.format if kind.format in _CASELESS else None
            return Text(format=kept, max_length=longest(kind), pattern=pattern)
        length, fewest = longest(kind), shortest(kind) if isinstance(kind, Text) and keeps else 0
        made = None if length is None else length * (factor if isinstance(kind, Text) else 1)
        most_made = MOST_CHARACTERS if made is None else max(0, min(made, MOST_CHARACTERS))
        return Text(min_length=min(fewest, most_made), max_length=most_made, pattern=pattern)

    return lambda kind: union(*map(of, members(kind)))


def _lower_case(value: str) -> str:
    return bounded(value.lower())


def _upper_case(value: str) -> str:
    return bounded(value.upper())


GROUP.function(
    "lower",
    "Write text in lower case.",
    text(),
    returns=_recased(2, pattern=LOWER_CASE),
    examples=[("ADA@Example.COM", "ada@example.com"), (None, None)],
)(_lower_case)

GROUP.function(
    "upper",
    "Write text in upper case; one letter may become several (ß becomes SS).",
    text(),
    returns=_recased(3, pattern=UPPER_CASE),
    examples=[("de", "DE"), ("straße", "STRASSE")],
)(_upper_case)


@GROUP.function(
    "trim",
    "Remove blanks at both ends.",
    text(),
    returns=lambda kind: Text(max_length=longest(kind), pattern=TRIMMED),
    examples=[("  Ada \n", "Ada")],
)
def _trim(value: str) -> str:
    return value.strip()


def _truncated(value: Type, count: Type) -> Type:
    lengths = [length for length in (longest(value), most(count)) if length is not None]
    fewest = min((shortest(kind) if isinstance(kind, Text) else 0 for kind in members(value)), default=0)
    least = (count.least or 0) if isinstance(count, Integer) else 0
    is_whole = longest(value) is not None and least >= (longest(value) or 0)
    return Text(
        min_length=fewest if is_whole else max(0, min(fewest, least, 1)),  # a character may be several code points
        max_length=max(0, min(lengths)) if lengths else None,
        pattern=TRIMMED if all(map(_begins_with_no_blank, members(value))) else None,
    )


def _begins_with_no_blank(kind: Type) -> bool:
    if not isinstance(kind, Text):
        return False
    return kind.pattern == TRIMMED or (
        kind.values is not None and all(value == value.lstrip() for value in kind.values)
    )


@GROUP.function(
    "truncate",
    "Cut text after at most N characters; nothing is added, and no letter is parted from its marks.",
    text(),
    integer("most", "Most characters to keep.", idle=below_one("it keeps no character")),
    returns=_truncated,
    examples=[("Ada Lovelace", 3, "Ada"), ("Ada", 40, "Ada"), ("Zoe\u0308", 3, "Zo"), ("Hi 👍🏽", 4, "Hi ")],
)
def _truncate(value: str, count: int) -> str:
    return cut(value, count)


def _replaced(value: Type, _old: Type, new: Type) -> Type:
    length, longer = longest(value), longest(new)
    return text_up_to(None if length is None or longer is None else length * max(longer, 1))


@GROUP.function(
    "replace",
    "Replace every occurrence of one text by another.",
    text(),
    text("old", "What to replace; where it is empty nothing is.", idle=empty("nothing is replaced")),
    text("new", "What to put there."),
    returns=_replaced,
    idle=alike,
    examples=[("+1 555 0100", " ", "-", "+1-555-0100"), ("Ada", "", "x", "Ada")],
)
def _replace(value: str, old: str, new: str) -> str:
    """Replace no more often than can show within the bound, so that the work is bounded too."""
    if not old:
        return value
    return bounded(value.replace(old, new, MOST_CHARACTERS // max(len(new), 1) + 1))


@GROUP.function(
    "capitalize",
    "Write the first character in upper case and the rest in lower case.",
    text(),
    returns=_recased(3),
    examples=[("ada LOVELACE", "Ada lovelace")],
)
def _capitalize(value: str) -> str:
    return bounded(value.capitalize())


_WORD = lazy_pattern(r"[^\W_]+(?:['’][^\W_]+)*")


def _titled(value: str) -> str:
    return bounded(_WORD.sub(lambda word: word[0].capitalize(), value))


GROUP.function(
    "title",
    "Begin every word with a capital and write the rest in lower case; an apostrophe begins no word.",
    text(),
    returns=_recased(3),
    examples=[("ada o'neil-LOVELACE", "Ada O'neil-Lovelace")],
)(_titled)


@GROUP.function(
    "normalize_space",
    "Remove blanks at both ends and make every run of blanks within one blank.",
    text(),
    returns=no_longer,
    examples=[("  Ada \n  Lovelace ", "Ada Lovelace")],
)
def _normalize_space(value: str) -> str:
    return " ".join(value.split())


def _padded(value: Type, width: Type, _fill: Type) -> Type:
    length, wide = longest(value), most(width)
    return text_up_to(None if length is None or wide is None else max(length, wide))


def _padding(value: str, width: int, fill: str) -> str:
    missing = min(width, MOST_CHARACTERS) - len(value)
    return (fill * (missing // len(fill) + 1))[:missing] if missing > 0 and fill else ""


_WIDTH = integer("width", "How long the result is at least.", idle=below_one("nothing is filled up"))
_FILL = text("fill", "What to fill with.", default=" ", idle=empty("nothing is filled up"))


@GROUP.function(
    "pad_start",
    "Fill text up at its start.",
    text(),
    _WIDTH,
    _FILL,
    returns=_padded,
    examples=[("42", 5, "0", "00042"), ("abc", 2, "abc")],
)
def _pad_start(value: str, width: int, fill: str) -> str:
    return bounded(_padding(value, width, fill) + value)


@GROUP.function(
    "pad_end",
    "Fill text up at its end.",
    text(),
    _WIDTH,
    _FILL,
    returns=_padded,
    examples=[("42", 5, "42   "), ("ab", 5, "xy", "abxyx")],
)
def _pad_end(value: str, width: int, fill: str) -> str:
    return bounded(value + _padding(value, width, fill))


@GROUP.function(
    "repeat",
    "Write text several times.",
    text(),
    integer("times", idle=below_one("the result is always empty")),
    returns=lambda value, times: _repeated(longest(value), most(times)),
    examples=[("ab", 3, "ababab"), ("ab", -1, "")],
)
def _repeat(value: str, times: int) -> str:
    fitting = MOST_CHARACTERS // max(len(value), 1) + 1
    return bounded(value * max(0, min(times, fitting)))


def _repeated(length: int | None, times: int | None) -> Type:
    return text_up_to(None if length is None or times is None else length * max(times, 0))


@GROUP.function(
    "is_blank",
    "Check whether a value is null, or text without anything but blanks.",
    anything(),
    returns=BOOLEAN,
    examples=[("  ", True), (None, True), ("x", False), (0, False)],
)
def _is_blank(value: Json) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


@GROUP.function(
    "blank_to_null",
    "Take text without blanks at its ends; null where nothing is left.",
    text(),
    returns=lambda value: nullable(Text(min_length=1, max_length=longest(value))),
    examples=[("  Ada ", "Ada"), ("  ", None)],
)
def _blank_to_null(value: str) -> str | None:
    return value.strip() or None


def accentless(value: str) -> str:
    """Write letters without accents: without their marks, and spelled where they have none (ß, ø)."""
    plain = "".join(
        _UNMARKED.get(mark, mark) for mark in unicodedata.normalize("NFD", value) if not unicodedata.combining(mark)
    )
    return unicodedata.normalize("NFC", plain)


_UNMARKED = {
    "ß": "ss", "ẞ": "SS", "æ": "ae", "Æ": "AE", "œ": "oe", "Œ": "OE", "ø": "o", "Ø": "O", "ł": "l", "Ł": "L",
    "đ": "d", "Đ": "D", "ð": "d", "Ð": "D", "þ": "th", "Þ": "Th", "ı": "i", "ħ": "h", "Ħ": "H",
}  # fmt: skip


@GROUP.function(
    "strip_accents",
    "Write letters without accents: ü becomes u, ß ss, ø o.",
    text(),
    returns=_recased(4, keeps=False),
    examples=[("Müßiggang à Łódź", "Mussiggang a Lodz"), ("Ada", "Ada")],
)
def _strip_accents(value: str) -> str:
    return bounded(accentless(value))
