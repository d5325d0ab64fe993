"""Reads `navigation.yaml`: sections in their order, each with its pages."""

from __future__ import annotations

from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent


def sections(root: Path = ROOT) -> dict[str, list[str]]:
    """Return section → paths of its pages in the repository; patterns are resolved, and take no page that is named elsewhere.

    Raises:
        ValueError: a name or a pattern finds no page.
    """
    listed: list[dict[str, list[str]]] = yaml.safe_load((root / "website" / "navigation.yaml").read_text("utf-8"))
    named = {name for section in listed for names in section.values() for name in names if "*" not in name}
    return {
        title: [page for name in names for page in _pages(name, root, named)]
        for section in listed
        for title, names in section.items()
    }


def _pages(name: str, root: Path, named: set[str]) -> list[str]:
    found = sorted(path.relative_to(root).as_posix() for path in root.glob(name))
    if not found:
        raise ValueError(f"navigation.yaml: {name} finds no page")
    return found if "*" not in name else [page for page in found if page not in named]
