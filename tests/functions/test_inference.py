"""What is known of the arguments tells what is known of the result."""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Sequence
from typing import Any

import pytest

from syncflow.compiler.functions import FUNCTIONS, JMESPATH_BUILT_INS
from syncflow.compiler.functions.text import accentless
from syncflow.compiler.types.json import (
    ABSENT,
    ANY,
    BOOLEAN,
    INTEGER,
    NULL,
    NUMBER,
    TEXT,
    Array,
    Integer,
    Number,
    Text,
    Type,
    nullable,
    open_object,
    optional,
    union,
)
from syncflow.compiler.types.narrowing import of_value
from syncflow.compiler.types.words import describe

EMAIL = Text(format="email", max_length=80)
NAME = Text(max_length=120)
ZONED = Text(format="date-time-zoned")
TYPE = Text(values=frozenset({"lead", "customer"}))
TABLE = of_value({"lead": "Lead", "customer": "Customer"})

CASES: list[tuple[str, Sequence[Type], str]] = [
    ("lower", [EMAIL], "text (e-mail), at most 80 characters, in lower case"),
    ("lower", [nullable(EMAIL)], "text (e-mail) or null, at most 80 characters, in lower case"),
    ("lower", [optional(NAME)], "text or null, at most 240 characters, in lower case"),
    ("upper", [TYPE], 'one of "CUSTOMER", "LEAD"'),
    ("upper", [ANY], "text or null, at most 1000000 characters, in upper case"),
    ("lower", [Array(TEXT)], "null"),
    ("truncate", [nullable(TEXT), of_value(40)], "text or null, at most 40 characters"),
    ("truncate", [Text(max_length=10), of_value(40)], "text, at most 10 characters"),
    (
        "truncate",
        [Text(min_length=1, max_length=99), of_value(40)],
        "text, at least 1 character, at most 40 characters",
    ),
    ("truncate", [Text(min_length=1), Integer(0, 9)], "text, at most 9 characters"),
    ("first_name", [NAME], "text or null, at least 1 character, at most 120 characters"),
    ("first_name", [of_value("Ada Lovelace")], '"Ada"'),
    ("default", [nullable(NAME), of_value("Unknown")], "text, at most 120 characters"),
    ("default", [optional(INTEGER), of_value(0)], "integer"),
    ("coalesce", [nullable(INTEGER), nullable(NUMBER)], "number or null"),
    ("coalesce", [nullable(INTEGER), BOOLEAN, TEXT], "true or false or integer"),
    ("first_filled", [TEXT, TEXT], "text or null, at least 1 character, matching \\S"),
    ("lookup", [TYPE, TABLE], 'one of "Customer", "Lead"'),
    ("lookup", [TEXT, TABLE, of_value("Other")], 'one of "Customer", "Lead", "Other"'),
    ("lookup", [TEXT, TABLE], 'one of "Customer", "Lead" or null'),
    ("when", [BOOLEAN, TEXT, NULL], "text or null"),
    ("replace", [Text(max_length=5), of_value("-"), of_value("")], "text, at most 5 characters"),
    ("replace", [Text(max_length=5), of_value("-"), of_value("--")], "text, at most 10 characters"),
    ("matches", [TEXT, of_value("^a")], "true or false"),
    ("matches", [TEXT, TEXT], "true or false or null"),
    ("replace_pattern", [Text(max_length=5), of_value("[^0-9]"), of_value("")], "text, at most 5 characters"),
    ("datetime", [Text(format="date-time")], "text (date and time with a zone)"),
    ("datetime", [TEXT], "text (date and time with a zone) or null"),
    ("datetime", [ZONED, TEXT], "text (date and time with a zone) or null"),
    ("date", [ZONED], "text (date)"),
    ("format_date", [ZONED, of_value("%d.%m.%Y")], "text or null, at most 10 characters"),
    ("epoch_ms", [ZONED], "integer"),
    ("normalize_email", [EMAIL], "text (e-mail), at most 80 characters"),
    ("normalize_email", [TEXT], "text (e-mail) or null, at most 254 characters"),
    ("phone_e164", [TEXT], "text (phone number in E.164) or null, at most 16 characters"),
    ("sha256", [EMAIL], "text, exactly 64 characters, matching ^[0-9a-f]*$"),
    ("add", [Integer(0, 9), of_value(1)], "integer, at least 1, at most 10"),
    ("add", [INTEGER, of_value(1)], "integer or null"),
    ("round", [Number(0, 10)], "integer, at least -1, at most 11"),
    ("clamp", [INTEGER, of_value(0), of_value(100)], "integer, at least 0, at most 100"),
    ("to_integer", [TEXT], "integer or null"),
    ("first", [Array(TEXT)], "text or null"),
    ("first", [Array(TEXT, min_length=1)], "text"),
    ("compact", [Array(nullable(TEXT))], "array of text"),
    ("pick", [open_object(a=TEXT, b=NUMBER), of_value("a")], "object with a"),
    ("uuid", [], "text (UUID)"),
    ("is_blank", [optional(TEXT)], "true or false"),
    ("split", [union(TEXT, ABSENT), of_value(",")], "array of text or null"),
]


@pytest.mark.parametrize(
    ("name", "arguments", "words"), CASES, ids=[f"{name}-{number}" for number, (name, _, _) in enumerate(CASES)]
)
def test_the_type_of_a_result(name: str, arguments: Sequence[Type], words: str) -> None:
    assert describe(FUNCTIONS[name].result(arguments)) == words


COMPLAINTS = [
    ("matches", 1, "(", "expected a regular expression in RE2 syntax: missing ): ("),
    ("matches", 1, "a+", ""),
    ("find", 1, "(?=a)", "expected a regular expression in RE2 syntax: invalid perl operator: (?="),
    (
        "replace_pattern",
        2,
        "\\x",
        "expected text in which a backslash stands before a digit (a group) or another backslash",
    ),
    ("to_zone", 1, "Europe/Berln", "expected a time zone such as Europe/Berlin or UTC"),
    ("to_zone", 1, "Europe/Berlin", ""),
    ("phone_e164", 1, "Germany", "expected the two letters of a country, such as US or DE"),
    ("phone_e164", 1, "de", ""),
    ("format_date", 1, "dd.MM.yyyy", "expected a pattern such as %d.%m.%Y: dd.MM.yyyy is written %d.%m.%Y here"),
    (
        "parse_datetime",
        1,
        "YYYY-MM-DD HH:mm:ss",
        "expected a pattern such as %d.%m.%Y: YYYY-MM-DD HH:mm:ss is written %Y-%m-%d %H:%M:%S here",
    ),
    (
        "format_date",
        1,
        "soon",
        "expected a pattern such as %d.%m.%Y: it has no % in it, so that every date would be written alike",
    ),
    ("parse_date", 1, "%d.%m.%Q", "expected one of %Y %y %m %d %H %I %M %S %f %p %b %B %a %A %j %z %%, found %Q"),
    ("lower", 0, "anything", ""),
]


@pytest.mark.parametrize(("name", "place", "argument", "complaint"), COMPLAINTS, ids=str)
def test_a_constant_that_cannot_work_is_told(name: str, place: int, argument: Any, complaint: str) -> None:
    assert FUNCTIONS[name].complaint(place, argument) == complaint


def test_no_character_grows_more_than_its_function_declares() -> None:
    characters = [chr(code) for code in range(sys.maxunicode + 1)]
    assert max(len(character.lower()) for character in characters) == 2
    assert max(len(character.upper()) for character in characters) == 3
    assert max(len(character.capitalize()) for character in characters) == 3
    changing = [
        character for character in characters if unicodedata.decomposition(character) or not character.isascii()
    ]
    assert max(len(accentless(character)) for character in changing) <= 4


def test_names_are_identifiers_that_both_languages_can_call() -> None:
    keywords = {"and", "or", "not", "if", "else", "in", "is", "true", "false", "none", "for", "set"}
    assert all(name.isidentifier() and name.islower() for name in FUNCTIONS)
    assert not keywords & set(FUNCTIONS)


def test_a_name_of_jmespaths_takes_as_many_arguments_there() -> None:
    shared = {name: (FUNCTIONS[name].fewest, FUNCTIONS[name].most) for name in JMESPATH_BUILT_INS & set(FUNCTIONS)}
    assert shared == {
        "abs": (1, 1), "ceil": (1, 1), "contains": (2, 2), "ends_with": (2, 2), "floor": (1, 1), "merge": (1, None),
        "reverse": (1, 1), "sort": (1, 1), "starts_with": (2, 2), "sum": (1, 1),
    }  # fmt: skip
