"""What ``${…}`` becomes in a value."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from syncflow.config.nodes import MappingNode, ScalarNode
from syncflow.config.scalars import Plain, Unset
from syncflow.config.variables import Expansion
from syncflow.config.yaml import read_text

ENVIRONMENT = {"HOST": "crm.example", "EMPTY": "", "RATE": "7", "QUOTE": '"', "HOOK": "${HOST}"}


def expanded(text: str, directory: Path = Path(), *, offline: bool = False) -> tuple[Any, list[str]]:
    node, _, _ = read_text(f"a: {text}", name="file.yaml")
    assert node is not None
    expansion = Expansion(ENVIRONMENT, directory, offline)
    result = expansion.expand(node)
    assert isinstance(result, MappingNode)
    scalar = result.entries["a"].value
    assert isinstance(scalar, ScalarNode)
    return scalar.value, [f"{each.span.column}: {each.message}" for each in expansion.diagnostics]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("${HOST}", "crm.example"),
        ("https://${HOST}/v1", "https://crm.example/v1"),
        ("${MISSING:-other}", "other"),
        ("${MISSING:-}", ""),
        ("${EMPTY:-other}", "other"),
        ("${EMPTY}", ""),
        ("${HOST}${RATE}", "crm.example7"),
        ("${MISSING:-${HOST}}", "crm.example"),
        ("${MISSING:-https://${HOST}/}", "https://crm.example/"),
        ("$${HOST}", "${HOST}"),
        ("a$${b}${RATE}", "a${b}7"),
        ("costs $5", "costs $5"),
        ("'${QUOTE}'", '"'),
        ("${HOOK}", "${HOST}"),
        ('"{{ item.x }} ${HOST}"', "{{ item.x }} crm.example"),
    ],
)
def test_references_are_replaced(text: str, value: str) -> None:
    assert expanded(text) == (value, [])


@pytest.mark.parametrize("text", ["${RATE}", '"${RATE}"', '"${MISSING:-7}"'])
def test_a_value_that_is_wholly_a_reference_is_read_as_its_place_expects(text: str) -> None:
    assert isinstance(expanded(text)[0], Plain)


@pytest.mark.parametrize("text", ["${RATE}0", "'${RATE} '", "$${RATE}"])
def test_a_value_that_is_partly_a_reference_is_text(text: str) -> None:
    assert not isinstance(expanded(text)[0], Plain)


def test_offline_a_missing_variable_leaves_a_placeholder() -> None:
    value, problems = expanded("https://${NOWHERE}/", offline=True)
    assert isinstance(value, Unset)
    assert value == "https://${NOWHERE}/"
    assert problems == []


def test_offline_no_file_is_read(tmp_path: Path) -> None:
    value, problems = expanded("${file:secret}", tmp_path, offline=True)
    assert isinstance(value, Unset)
    assert problems == []


def test_a_file_gives_its_text_without_the_closing_line_break(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("s3cret\n")
    assert expanded("${file:secret}", tmp_path) == ("s3cret", [])
    assert expanded("Bearer ${file:secret}", tmp_path) == ("Bearer s3cret", [])
    assert expanded("${file:absent:-none}", tmp_path) == ("none", [])


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("https://${NOWHERE}/", "12: the variable NOWHERE is not set"),
        ("${HOST", "4: `${` is not closed"),
        ("${a b}", "4: `a b` is not the name of a variable"),
        ("${MISSING:-${NOWHERE}}", "15: the variable NOWHERE is not set"),
        ("${A:-${B:-${C:-${D:-${E:-${F:-${G:-x}}}}}}}", "34: defaults stand inside defaults too often"),
        ("${file:absent}", "4: the file absent cannot be read: no such file or directory"),
        ("${file:.}", "4: the file . cannot be read: it is a directory"),
    ],
)
def test_what_cannot_be_replaced_is_shown_at_its_place(text: str, problem: str, tmp_path: Path) -> None:
    assert expanded(text, tmp_path)[1] == [problem]


def test_a_file_that_is_too_large_or_not_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "large").write_text("x" * 70_000)
    (tmp_path / "bytes").write_bytes(b"\xff\xfe")
    assert expanded("${file:large}", tmp_path)[1] == ["4: the file large is larger than 64 kB"]
    assert expanded("${file:bytes}", tmp_path)[1] == ["4: the file bytes is not UTF-8"]


def test_nodes_without_references_stay_the_same_nodes() -> None:
    node, _, _ = read_text("a: {b: [c]}\nd: ${HOST}", name="file.yaml")
    assert node is not None
    result = Expansion(ENVIRONMENT, Path()).expand(node)
    assert isinstance(result, MappingNode)
    assert result.entries["a"].value is node.entries["a"].value
