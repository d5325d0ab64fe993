"""Names of people. In: a whole name as people write it. Out: its parts.

"Ada Lovelace" and "Lovelace, Ada" mean the same. A particle (van, de, von …) belongs to the last name, a title (Dr.,
Prof.) and a suffix (Jr., III) to neither part. One word alone is a first name. With a comma, what stands before it is
the last name as a whole.
"""

from __future__ import annotations

from typing import NamedTuple

from syncflow.compiler.functions.function import Group
from syncflow.compiler.functions.parameters import text
from syncflow.compiler.types import Text, Type, longest, nullable

GROUP = Group("names", "Names of people")

_TITLES = frozenset(
    [
        "dr",
        "prof",
        "professor",
        "mr",
        "mrs",
        "ms",
        "miss",
        "mx",
        "sir",
        "dame",
        "lord",
        "lady",
        "rev",
        "hon",
        "herr",
        "frau",
        "ing",
        "dipl",
        "mag",
    ]
)
_SUFFIXES = frozenset(
    ["jr", "sr", "junior", "senior", "ii", "iii", "iv", "phd", "md", "mba", "esq", "dds", "dvm", "cpa"]
)
_PARTICLES = frozenset(
    [
        "van",
        "von",
        "der",
        "den",
        "de",
        "del",
        "della",
        "di",
        "da",
        "das",
        "dos",
        "do",
        "du",
        "la",
        "le",
        "les",
        "ter",
        "ten",
        "zu",
        "zum",
        "zur",
        "af",
        "av",
        "bin",
        "ibn",
        "al",
        "el",
        "st",
        "san",
        "mac",
    ]
)


class Name(NamedTuple):
    first: str | None
    last: str | None


def split_name(text: str) -> Name:
    """Split a name into its parts; a part that is not there is None."""
    before, comma, after = text.partition(",")
    if comma and not _is_suffix(after):
        return Name(_joined(_without_titles(after.split())), _joined(_without_suffixes(before.split())))
    words = _without_titles(_without_suffixes(before.split()))
    if len(words) < 2:
        return Name(_joined(words), None)
    start = _start_of_last(words)
    return Name(_joined(words[:start]), _joined(words[start:]))


def _start_of_last(words: list[str]) -> int:
    start = len(words) - 1
    while start > 1 and _plain(words[start - 1]) in _PARTICLES:
        start -= 1
    return start


def _plain(word: str) -> str:
    return word.replace(".", "").strip(",").lower()


def _is_suffix(text: str) -> bool:
    words = text.replace(",", " ").split()
    return all(_plain(word) in _SUFFIXES for word in words)


def _without_titles(words: list[str]) -> list[str]:
    """Drop titles at the front, but never the last word that is left."""
    while len(words) > 1 and _plain(words[0]) in _TITLES:
        words = words[1:]
    return words


def _without_suffixes(words: list[str]) -> list[str]:
    while len(words) > 1 and _plain(words[-1]) in _SUFFIXES:
        words = words[:-1]
    return words


def _joined(words: list[str]) -> str | None:
    return " ".join(words) or None


def _part(name: Type) -> Type:
    return nullable(Text(min_length=1, max_length=longest(name)))


@GROUP.function(
    "first_name",
    "Take the first name out of a whole name; one word alone is a first name.",
    text("name"),
    returns=_part,
    examples=[
        ("Ada Lovelace", "Ada"),
        ("Lovelace, Ada", "Ada"),
        ("Dr. Anna Maria van der Berg Jr.", "Anna Maria"),
        ("Ada", "Ada"),
        ("  ", None),
    ],
)
def _first_name(name: str) -> str | None:
    return split_name(name).first


@GROUP.function(
    "last_name",
    "Take the last name out of a whole name, particles included; null where there is only one word.",
    text("name"),
    returns=_part,
    examples=[
        ("Ada Lovelace", "Lovelace"),
        ("Lovelace, Ada", "Lovelace"),
        ("Dr. Anna Maria van der Berg Jr.", "van der Berg"),
        ("Ada", None),
    ],
)
def _last_name(name: str) -> str | None:
    return split_name(name).last
