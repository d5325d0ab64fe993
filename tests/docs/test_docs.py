"""Documentation runs: what a page shows is checked, and what cannot be says why."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from tests.docs.blocks import ROOT, Block, blocks, documents, read, skipped
from tests.docs.kinds import problems_of
from tests.docs.transcript import EXECUTED, fits, run

MOST_SKIPPED = 6
LANGUAGES = {"yaml", "json", "text", "mermaid", "sql", *EXECUTED}


@pytest.mark.parametrize("block", blocks("json"), ids=lambda block: block.id)
def test_a_json_block_is_json(block: Block) -> None:
    json.loads(block.text)


@pytest.mark.parametrize("block", blocks("yaml"), ids=lambda block: block.id)
def test_a_yaml_block_is_yaml_and_of_the_kind_that_it_names(block: Block, tmp_path: Path) -> None:
    list(yaml.compose_all(block.text, Loader=yaml.SafeLoader))
    assert problems_of(block, tmp_path) == []


WITH_COMMANDS = [page for page in documents() if any(block.language in EXECUTED for block in read(page))]


@pytest.mark.parametrize("page", WITH_COMMANDS, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_commands_of_a_page_do_what_it_shows(page: Path, tmp_path: Path) -> None:
    assert run(page, tmp_path) == []


@pytest.mark.parametrize("page", documents(), ids=lambda page: str(page.relative_to(ROOT)))
def test_every_block_says_its_language(page: Path) -> None:
    assert not [block.id for block in read(page) if block.language not in LANGUAGES]


def test_few_blocks_are_skipped_and_each_with_a_reason() -> None:
    unchecked = skipped()
    print(f"{len(unchecked)} blocks are not checked: {[f'{block.id} ({block.reason})' for block in unchecked]}")  # noqa: T201
    assert all(block.reason for block in unchecked)
    assert len(unchecked) <= MOST_SKIPPED


@pytest.mark.parametrize(
    ("expected", "printed", "verdict"),
    [
        ("all good", "all good\n", True),
        ("all good", "all bad\n", False),
        ("took … ms", "took 12 ms", True),
        ("took … ms", "took 12 s", False),
        ("first\n…\nlast", "first\nlast", True),
        ("first\n…\nlast", "first\n1\n2\nlast", True),
        ("first\n…", "second\nfirst", False),
        ("", "", True),
        ("", "something", False),
    ],
)
def test_an_ellipsis_stands_for_anything(expected: str, printed: str, *, verdict: bool) -> None:
    assert fits(expected, printed) is verdict
