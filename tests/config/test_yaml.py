"""What a file's text becomes: data that keeps its source text, and a place for every key and value."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncflow.config.nodes import MappingNode, ScalarNode, find
from syncflow.config.scalars import Plain, resolve
from syncflow.config.yaml import MAX_BYTES, read_text
from tests.effort import examples


def data(text: str) -> Any:
    node, _, diagnostics = read_text(text, name="file.yaml")
    assert diagnostics == []
    assert node is not None
    return node.data()


def value(text: str) -> ScalarNode:
    node, _, _ = read_text(text, name="file.yaml")
    assert node is not None
    found = next(iter(node.entries.values())).value
    assert isinstance(found, ScalarNode)
    return found


@pytest.mark.parametrize(
    "text", ["2.10", "2026-07-15", "012", "+15551234567", "NO", "1_000", "0x1F", "1:30", ".5", "~x", "yes"]
)
def test_unquoted_text_keeps_its_source_text(text: str) -> None:
    read = data(f"a: {text}")["a"]
    assert read == text
    assert isinstance(read, Plain)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("true", True),
        ("false", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("42", 42),
        ("-7", -7),
        ("2.50", 2.5),
        ("1e3", 1000.0),
        ("9007199254740993", 9007199254740993),
        ("True", "True"),
        ("NO", "NO"),
        ("012", "012"),
        ("1_000", "1_000"),
        (".inf", ".inf"),
        ("1e999", "1e999"),
        ('"42"', "42"),
        ("'true'", "true"),
        ("2026-07-15", "2026-07-15"),
    ],
)
def test_only_true_false_null_and_numbers_are_not_text(text: str, meant: object) -> None:
    read = resolve(data(f"a: {text}")["a"])
    assert read == meant
    assert type(read) is type(meant)


def test_keys_are_text_whatever_they_look_like() -> None:
    assert list(data("{1: a, true: b, null: c, 2.10: d, 'x y': e}")) == ["1", "true", "null", "2.10", "x y"]


def test_an_alias_is_the_same_data_again() -> None:
    assert data("a: &x {k: v}\nb: *x") == {"a": {"k": "v"}, "b": {"k": "v"}}


def test_a_merge_key_gives_way_to_keys_that_are_written() -> None:
    assert data("a: &x {k: 1, l: 2}\nb: {<<: *x, l: 3}")["b"] == {"l": "3", "k": "1"}
    assert data("a: &x {k: 1}\nb: &y {k: 2, m: 3}\nc: {<<: [*x, *y]}")["c"] == {"k": "1", "m": "3"}


def test_a_quoted_merge_key_is_a_key() -> None:
    assert data("a: {'<<': x}") == {"a": {"<<": "x"}}


def test_a_byte_order_mark_is_no_text() -> None:
    node, _, _ = read_text(b"\xef\xbb\xbfa: 1", name="file.yaml")
    assert node is not None
    assert node.data() == {"a": "1"}
    assert node.entries["a"].key.span.column == 1


def test_a_file_that_is_not_utf8_says_which_byte() -> None:
    _, _, (diagnostic,) = read_text(b"a: 1\nb: caf" + b"\xe9", name="file.yaml")
    assert diagnostic.code == "SF104"
    assert diagnostic.message == "the file is not UTF-8: byte 11 (0xe9) does not belong there"
    assert (diagnostic.span.line, diagnostic.span.column) == (2, 7)


def test_a_huge_file_is_refused_unread() -> None:
    _, _, (diagnostic,) = read_text(b"a" * (MAX_BYTES + 1), name="file.yaml")
    assert diagnostic.code == "SF105"


@pytest.mark.parametrize("text", ["[" * 100_000, "{a: " * 100_000, "- " * 100_000, "a: " + "[" * 1000 + "]" * 1000])
def test_depth_is_bounded(text: str) -> None:
    _, _, (diagnostic,) = read_text(text, name="file.yaml")
    assert diagnostic.code == "SF110"


_BLOCKS = """\
literal: |
  ab

   cd
  ef
folded: >-
  one two
  three

  four
double: "tab\\there \\u00e9 and
  more"
single: 'it''s'
plain: one
  two
strip: |-
    deep
"""


@pytest.mark.parametrize(
    ("key", "word", "line", "column"),
    [
        ("literal", "ab", 2, 3),
        ("literal", "cd", 4, 4),
        ("literal", "ef", 5, 3),
        ("folded", "two", 7, 7),
        ("folded", "three", 8, 3),
        ("folded", "four", 10, 3),
        ("double", "here", 11, 15),
        ("double", "and", 11, 27),
        ("double", "more", 12, 3),
        ("single", "s", 13, 14),
        ("plain", "two", 15, 3),
        ("strip", "deep", 17, 5),
    ],
)
def test_an_offset_into_a_value_is_found_in_the_file(key: str, word: str, line: int, column: int) -> None:
    node, _, _ = read_text(_BLOCKS, name="file.yaml")
    assert node is not None
    scalar, _, _ = find(node, (key,))
    assert isinstance(scalar, ScalarNode)
    span = scalar.span.at(scalar.value.rindex(word), len(word))
    assert (span.line, span.column, span.end_line, span.end_column) == (line, column, line, column + len(word))


def test_an_offset_beyond_the_value_stays_in_the_file() -> None:
    scalar = value("a: word")
    assert (scalar.span.at(99).line, scalar.span.at(99).column) == (1, 8)
    assert (scalar.span.at(-1).line, scalar.span.at(-1).column) == (1, 4)


def test_every_key_and_value_has_its_place() -> None:
    node, _, _ = read_text("a:\n  b: [x, {c: d}]\n", name="file.yaml")
    assert node is not None
    found, key, _ = find(node, ("a", "b", 1, "c"))
    assert key is not None
    assert (key.span.line, key.span.column) == (2, 11)
    assert (found.span.line, found.span.column, found.span.end_column) == (2, 14, 15)
    assert find(node, ("a", "nowhere", "deeper"))[0] is node.entries["a"].value


_SYNTAX = "abé \n\t:-[]{}'\"#&*!|>%@`,?$~0\\\x00\ufeff\u2028"


@settings(max_examples=examples(400), deadline=None)
@given(st.one_of(st.binary(max_size=60), st.text(alphabet=_SYNTAX, max_size=60).map(lambda text: text.encode())))
def test_whatever_the_bytes_there_is_a_tree_or_a_diagnostic(content: bytes) -> None:
    node, _, diagnostics = read_text(content, name="file.yaml")
    assert isinstance(node, MappingNode) or diagnostics
    for diagnostic in diagnostics:
        assert diagnostic.code.startswith("SF1")
        assert "Traceback" not in diagnostic.message


_SCALAR_TEXT = st.text(alphabet="ab :#'\"\\\n\té{}[]|>-", max_size=20)


@settings(max_examples=examples(200), deadline=None)
@given(_SCALAR_TEXT)
def test_every_character_of_a_double_quoted_value_is_found(text: str) -> None:
    escapes = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t"}
    written = 'a: "' + "".join(escapes.get(character, character) for character in text) + '"'
    scalar = value(written)
    assert scalar.value == text
    for offset, character in enumerate(text):
        span = scalar.span.at(offset)
        assert written[span.column - 1] in (character, "\\")
