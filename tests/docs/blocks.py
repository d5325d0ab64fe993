"""Fenced blocks of Markdown files, and what is said of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

_FENCE = re.compile(
    r"(?:^<!-- check: skip (?P<reason>[^\n]*?) ?-->\n)?^(?P<indent> *)```(?P<language>[a-z]*)\n(?P<text>.*?)^ *```$",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block; ``reason`` says why it is not checked, empty where it is."""

    path: Path
    line: int
    language: str
    text: str
    reason: str | None

    @property
    def id(self) -> str:
        return f"{self.path.relative_to(ROOT)}:{self.line}"


def documents() -> list[Path]:
    """Return every page that users read."""
    pages = [
        ROOT / "README.md",
        ROOT / "CONTRIBUTING.md",
        *ROOT.glob("docs/**/*.md"),
        *ROOT.glob("examples/**/README.md"),
    ]
    return sorted(page for page in pages if page.exists())


def blocks(*languages: str) -> list[Block]:
    """Return the checked blocks of these languages, of all pages."""
    return [
        block for page in documents() for block in read(page) if block.language in languages and block.reason is None
    ]


def skipped() -> list[Block]:
    """Return the blocks that say they cannot be checked."""
    return [block for page in documents() for block in read(page) if block.reason is not None]


def read(page: Path) -> Iterator[Block]:
    """Yield the fenced blocks of one page, in order."""
    text = page.read_text("utf-8")
    for match in _FENCE.finditer(text):
        body = re.sub(rf"^{match['indent']}", "", match["text"], flags=re.MULTILINE)
        yield Block(page, text.count("\n", 0, match.start("text")), match["language"], body, match["reason"])
