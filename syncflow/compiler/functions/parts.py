"""Parts of text: before and after, words, and the ways programs write names. In: text already read. Out: text, or arrays of it."""

from __future__ import annotations

import unicodedata

from syncflow.compiler.functions.function import Group, Rule
from syncflow.compiler.functions.idle import below_one, empty
from syncflow.compiler.functions.kinds import MOST_CHARACTERS
from syncflow.compiler.functions.parameters import anything, integer, text
from syncflow.compiler.functions.rules import bounded, grown, least, most, no_longer
from syncflow.compiler.functions.text import accentless
from syncflow.compiler.types.json import BOOLEAN, Array, Text, Type, longest, nullable
from syncflow.events import Json
from syncflow.patterns import lazy_pattern

GROUP = Group("parts", "Parts of text")

_SEPARATOR = text("separator", idle=empty("nothing is separated"))


@GROUP.function(
    "split",
    "Split text at every separator; without one at blanks.",
    text(),
    text("separator", default=None, idle=empty("nothing is separated")),
    returns=lambda value, *_: Array(Text(max_length=longest(value))),
    examples=[("a,b,,c", ",", ["a", "b", "", "c"]), (" Ada  Lovelace ", ["Ada", "Lovelace"]), ("abc", "", ["abc"])],
)
def _split(value: str, separator: str | None) -> list[str]:
    return [value] if separator == "" else value.split(separator)


@GROUP.function(
    "before",
    "Take what stands before the first separator: everything where there is none.",
    text(),
    _SEPARATOR,
    returns=no_longer,
    examples=[("ada@example.com", "@", "ada"), ("ada", "@", "ada")],
)
def _before(value: str, separator: str) -> str:
    return value.partition(separator)[0] if separator else value


@GROUP.function(
    "after",
    "Take what stands after the first separator: null where there is none.",
    text(),
    _SEPARATOR,
    returns=lambda value, _: nullable(no_longer(value)),
    examples=[("ada@example.com", "@", "example.com"), ("ada", "@", None)],
)
def _after(value: str, separator: str) -> str | None:
    _, found, rest = value.partition(separator) if separator else ("", "", "")
    return rest if found else None


@GROUP.function(
    "after_last",
    "Take what stands after the last separator: everything where there is none.",
    text(),
    _SEPARATOR,
    returns=no_longer,
    examples=[("a/b/c.txt", "/", "c.txt"), ("c.txt", "/", "c.txt")],
)
def _after_last(value: str, separator: str) -> str:
    return value.rpartition(separator)[2] if separator else value


@GROUP.function(
    "before_last",
    "Take what stands before the last separator: null where there is none.",
    text(),
    _SEPARATOR,
    returns=lambda value, _: nullable(no_longer(value)),
    examples=[("a/b/c.txt", "/", "a/b"), ("c.txt", "/", None)],
)
def _before_last(value: str, separator: str) -> str | None:
    rest, found, _ = value.rpartition(separator) if separator else ("", "", "")
    return rest if found else None


def _cut(value: Type, start: Type, length: Type) -> Type:
    characters, first, last = longest(value), least(start), most(start)
    if characters is not None and first is not None and first >= 0:
        characters = max(0, characters - first)  # what stands before is left out
    lengths = [bound for bound in (characters, most(length)) if bound is not None]
    lengths += [-first] if first is not None and last is not None and last < 0 else []  # so many from the end
    return Text(max_length=max(0, min(lengths)) if lengths else None)


@GROUP.function(
    "substring",
    "Take characters from a place on, counted from 0 (from the end where negative).",
    text(),
    integer("start"),
    integer(
        "length",
        "How many; all where left out.",
        default=MOST_CHARACTERS,
        idle=below_one("it takes no character"),
    ),
    returns=_cut,
    examples=[("Lovelace", 4, "lace"), ("Lovelace", 0, 4, "Love"), ("Lovelace", -4, "lace"), ("abc", 9, "")],
)
def _substring(value: str, start: int, length: int) -> str:
    return value[start:][: max(length, 0)]


@GROUP.function(
    "contains",
    "Check whether text holds another text, or an array an element.",
    anything("subject"),
    anything("search"),
    returns=nullable(BOOLEAN),
    examples=[("Lovelace", "love", False), ("Lovelace", "lace", True), (["a", "b"], "b", True), (1, 1, None)],
)
def _contains(subject: Json, search: Json) -> bool | None:
    if isinstance(subject, str):
        return isinstance(search, str) and search in subject
    return search in subject if isinstance(subject, list) else None


@GROUP.function(
    "starts_with",
    "Check whether text begins with another.",
    text(),
    text("start", idle=empty("every text begins so")),
    returns=BOOLEAN,
    examples=[("Lovelace", "Love", True), ("Lovelace", "love", False)],
)
def _starts_with(value: str, start: str) -> bool:
    return value.startswith(start)


@GROUP.function(
    "ends_with",
    "Check whether text ends with another.",
    text(),
    text("end", idle=empty("every text ends so")),
    returns=BOOLEAN,
    examples=[("Lovelace", "lace", True)],
)
def _ends_with(value: str, end: str) -> bool:
    return value.endswith(end)


_WORD = lazy_pattern(r"[^\W_]+")
_HUMP = lazy_pattern(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def _words_of(value: str) -> list[str]:
    """Split at everything that is no letter or digit, and where a small letter meets a capital."""
    return [word for run in _WORD.findall(value) for word in _HUMP.split(run) if word]


@GROUP.function(
    "words",
    "Take the words of text: runs of letters and digits, split where a small letter meets a capital.",
    text(),
    returns=lambda value: Array(Text(min_length=1, max_length=longest(value))),
    examples=[("Ada, Countess of Lovelace", ["Ada", "Countess", "of", "Lovelace"]), ("firstName", ["first", "Name"])],
)
def _words(value: str) -> list[str]:
    return _words_of(value)


@GROUP.function(
    "slug",
    "Write text for a URL: words of ASCII letters and digits in lower case, joined by hyphens.",
    text(),
    returns=grown(8),
    examples=[("Crème Brûlée, 2 pcs.", "creme-brulee-2-pcs"), ("ﬁx", "fix"), ("!", "")],
)
def _slug(value: str) -> str:
    ascii_only = accentless(unicodedata.normalize("NFKC", value)).encode("ascii", "ignore").decode().lower()
    return bounded("-".join(_WORD.findall(ascii_only)))


_JOINED: Rule = grown(4)  # a separator after each character at most, and a character may become three in another case


@GROUP.function(
    "snake_case",
    "Write the words of text in lower case, joined by underscores.",
    text(),
    returns=_JOINED,
    examples=[("First Name", "first_name"), ("HTTPServer", "http_server")],
)
def _snake_case(value: str) -> str:
    return bounded("_".join(_words_of(value)).lower())


@GROUP.function(
    "kebab_case",
    "Write the words of text in lower case, joined by hyphens.",
    text(),
    returns=_JOINED,
    examples=[("First Name", "first-name")],
)
def _kebab_case(value: str) -> str:
    return bounded("-".join(_words_of(value)).lower())


@GROUP.function(
    "camel_case",
    "Write the words of text without blanks, each but the first with a capital.",
    text(),
    returns=_JOINED,
    examples=[("first name", "firstName"), ("First_Name", "firstName")],
)
def _camel_case(value: str) -> str:
    first, *rest = _words_of(value) or [""]
    return bounded(first.lower() + "".join(map(str.capitalize, rest)))


@GROUP.function(
    "pascal_case",
    "Write the words of text without blanks, each with a capital.",
    text(),
    returns=_JOINED,
    examples=[("first name", "FirstName")],
)
def _pascal_case(value: str) -> str:
    return bounded("".join(map(str.capitalize, _words_of(value))))
