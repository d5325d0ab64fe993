"""The recipes of the cookbook: each lays its blocks over the small project that begins the page."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from tests.docs.blocks import ROOT, Block, read

PAGE = ROOT / "docs" / "cookbook.md"
_TITLE = re.compile(r"# (?P<part>in )?(?P<path>[\w./-]+\.(?:yaml|py))\b")


class Recipe(NamedTuple):
    """A section of the page with its blocks."""

    title: str
    blocks: tuple[Block, ...]


def recipes() -> list[Recipe]:
    """Return the recipes, in the order of the page."""
    lines = PAGE.read_text("utf-8").splitlines()
    heads = [(number, line[4:]) for number, line in enumerate(lines, 1) if line.startswith("### ")]
    ends = [*(number for number, _ in heads[1:]), len(lines) + 1]
    return [Recipe(title, tuple(_between(begin, end))) for (begin, title), end in zip(heads, ends, strict=True)]


def _between(begin: int, end: int) -> Iterator[Block]:
    return (block for block in read(PAGE) if begin < block.line < end)


def write_project(recipe: Recipe, folder: Path) -> Path:
    """Write the small project with a recipe laid over it; return its routes file."""
    first = min(block.line for recipe in recipes() for block in recipe.blocks)
    for block in (*_between(0, first), *recipe.blocks):
        _lay(block, folder)
    return folder / "routes.yaml"


def _lay(block: Block, folder: Path) -> None:
    title = _TITLE.match(block.text)
    assert title is not None, f"{block.id} does not say which file it shows"
    path = folder / title["path"]
    path.parent.mkdir(parents=True, exist_ok=True)
    if title["part"]:
        laid = _over(yaml.safe_load(path.read_text("utf-8")), yaml.safe_load(block.text))
        comments = re.findall(r"^ *(\w+): .*( # syncflow: allow=SF\d+)$", block.text, re.MULTILINE)
        text = yaml.safe_dump(laid, allow_unicode=True, sort_keys=False, width=1000)
        for key, comment in comments:
            text = re.sub(rf"^( *{key}: .*)$", rf"\1{comment}", text, flags=re.MULTILINE)
        path.write_text(text, "utf-8")
    else:
        path.write_text(block.text, "utf-8")


def _over(below: Any, above: Any) -> Any:
    """Merge as profiles do: mappings key by key, everything else is replaced."""
    if isinstance(below, Mapping) and isinstance(above, Mapping):
        return {**below, **{key: _over(below.get(key), value) for key, value in above.items()}}
    return above
