"""Every promise of a page names the test that holds it, and every relative link leads somewhere."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.docs.blocks import ROOT, documents

_LINK = re.compile(r"\]\((?!https?:|#)([^)\s#]+)(?:#([\w-]+))?\)")
_FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)


def links(page: Path) -> list[tuple[str, str]]:
    """Return the files that a page links to, and the part of each."""
    return [(match[1], match[2] or "") for match in _LINK.finditer(_FENCED.sub("", page.read_text("utf-8")))]


def laws_of(path: Path) -> set[str]:
    tree = ast.parse(path.read_text("utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name.startswith("test")}


@pytest.mark.parametrize("page", documents(), ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_to_a_file_and_to_a_test_that_is_in_it(page: Path) -> None:
    wrong = []
    for name, part in links(page):
        path = (page.parent / name).resolve()
        if not path.exists() or (path.suffix == ".py" and part and part not in laws_of(path)):
            wrong.append(f"{name}#{part}")
    assert not wrong


def test_every_promise_of_delivery_is_held_by_a_test() -> None:
    text = (ROOT / "docs" / "delivery.md").read_text("utf-8")
    promises = text[text.index("## The guarantees") : text.index("## What no client")]
    items = re.split(r"^\* ", promises, flags=re.MULTILINE)[1:]
    assert len(items) >= 20
    assert not [item for item in items if "../tests/" not in item and "MUST" in item]
