"""Names of people. In: a whole name as people write it. Out: its parts.

"Ada Lovelace" and "Lovelace, Ada" mean the same. A particle (van, de, von …) belongs to the last name, a title (Dr.,
Prof.), a suffix (Jr., III) and words in brackets (Acme) to neither part. One word alone is a first name. With a comma, the words
before it are the last name as a whole; a name that begins with a particle in lower case is a last name.
"""

from __future__ import annotations

from syncflow.compiler.functions.function import Group
from syncflow.compiler.functions.parameters import anything, text
from syncflow.compiler.functions.rules import bounded, text_up_to
from syncflow.compiler.types.json import TRIMMED, Text, Type, longest, nullable
from syncflow.events import Json
from syncflow.patterns import lazy_pattern

GROUP = Group("names", "Names of people")

_TITLES = {
    "dr", "prof", "professor", "mr", "mrs", "ms", "miss", "mx", "sir", "dame", "lord", "lady", "rev", "hon", "herr", "frau",
    "ing", "dipl", "mag",
}  # fmt: skip
_SUFFIXES = {"jr", "sr", "junior", "senior", "ii", "iii", "iv", "phd", "md", "mba", "esq", "dds", "dvm", "cpa"}
_PARTICLES = {
    "van", "von", "der", "den", "de", "del", "della", "di", "da", "das", "dos", "do", "du", "la", "le", "les", "ter", "ten",
    "zu", "zum", "zur", "af", "av", "bin", "ibn", "al", "el", "st", "san", "mac",
}  # fmt: skip


_BRACKETED = lazy_pattern(r"\([^()]*(?:\)|\Z)|\[[^\[\]]*(?:\]|\Z)")
_NOT_FIRST = _TITLES | _PARTICLES
_LONGEST_SUFFIX = max(map(len, _SUFFIXES))


def split_name(text: str) -> tuple[str | None, str | None]:
    """Split a name into first and last name; a part that is not there is None."""
    words = text.split()
    if (
        len(words) == 2 and "," not in text and "." not in text and "(" not in text and "[" not in text
    ):  # nearly all, in half the time
        first, last = words
        if (len(last) > _LONGEST_SUFFIX or last.lower() not in _SUFFIXES) and first.lower() not in _NOT_FIRST:
            return first, last
    return _split_with_care(text)


def _split_with_care(text: str) -> tuple[str | None, str | None]:
    text = _without_brackets(text)
    before, comma, after = text.partition(",")
    if comma and not _is_suffix(after):
        given = _without_suffixes(after.replace(",", " ").split())
        return _joined(_without_titles(given)), _joined(_without_suffixes(before.split()))
    words = _without_titles(_without_suffixes(before.split()))
    if len(words) < 2:
        return _joined(words), None
    start = _start_of_last(words)
    return _joined(words[:start]), _joined(words[start:])


def _without_brackets(text: str) -> str:
    """Drop what stands in brackets, such as the company, unless nothing else is there."""
    left = _BRACKETED.sub(" ", text)
    return left if left.strip(" ,") else text


def _start_of_last(words: list[str]) -> int:
    if words[0] in _PARTICLES:
        return 0
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
    return nullable(Text(min_length=1, max_length=longest(name), pattern=TRIMMED))


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
    return split_name(name)[0]


@GROUP.function(
    "last_name",
    "Take the last name out of a whole name, particles included; null where there is only one word.",
    text("name"),
    returns=_part,
    examples=[
        ("Ada Lovelace", "Lovelace"),
        ("Lovelace, Ada", "Lovelace"),
        ("Dr. Anna Maria van der Berg Jr.", "van der Berg"),
        ("Bo Lee (Acme)", "Lee"),
        ("Ada", None),
    ],
)
def _last_name(name: str) -> str | None:
    return split_name(name)[1]


def _whole(first: Type, last: Type) -> Type:
    lengths = [longest(first), longest(last)]
    return nullable(text_up_to(None if None in lengths else sum(length or 0 for length in lengths) + 1))


@GROUP.function(
    "full_name",
    "Join first and last name by a blank; either may be missing, and null is what is left of nothing.",
    anything("first"),
    anything("last"),
    returns=_whole,
    examples=[("Ada", "Lovelace", "Ada Lovelace"), (None, "Lovelace", "Lovelace"), ("", None, None)],
)
def _full_name(first: Json, last: Json) -> str | None:
    parts = (part.strip() for part in (first, last) if isinstance(part, str))
    return bounded(" ".join(filter(None, parts))) or None


@GROUP.function(
    "initials",
    "Take the first letter of every word of a name, in upper case; titles and suffixes are left out.",
    text("name"),
    returns=lambda name: nullable(text_up_to(None if longest(name) is None else 3 * (longest(name) or 0))),
    examples=[("Ada Lovelace", "AL"), ("Dr. Anna van der Berg", "AVDB"), ("  ", None)],
)
def _initials(name: str) -> str | None:
    words = " ".join(filter(None, split_name(name))).split()
    return bounded("".join(word[0].upper() for word in words)) or None
