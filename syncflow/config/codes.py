"""Every code a diagnostic may carry, with its title and the page that ``validate --explain`` prints.

The pages are the sections of ``pages/*.md``: a new code is a new section, ``## SF310 Title`` and what it means, with an example and
a fix. SF1xx files and YAML · SF2xx keys, values, settings · SF3xx expressions and mappings · SF4xx routes · SF5xx adapters ·
SF6xx schemas and objects.
"""

from __future__ import annotations

import re
from importlib import resources
from typing import NamedTuple

from syncflow.patterns import lazy_pattern

_SECTION = lazy_pattern(r"^## (SF\d{3}) (.+)$", re.MULTILINE)


class Page(NamedTuple):
    """What is said about a code."""

    title: str
    text: str


def _read_pages() -> dict[str, Page]:
    found: dict[str, Page] = {}
    for file in resources.files("syncflow.config").joinpath("pages").iterdir():
        if file.name.endswith(".md"):
            found.update(_sections(file.read_text(encoding="utf-8")))
    return dict(sorted(found.items()))


def _sections(text: str) -> dict[str, Page]:
    heads = list(_SECTION.finditer(text))
    ends = [*(head.start() for head in heads[1:]), len(text)]
    return {
        head[1]: Page(head[2].strip(), text[head.end() : end].strip("\n"))
        for head, end in zip(heads, ends, strict=False)
    }


CODES = _read_pages()


def title(code: str) -> str:
    """Return what a code means in a few words; the code itself where it is not known."""
    return CODES[code].title if code in CODES else code


def page(code: str) -> str:
    """Return the page of a code, its title first.

    Raises:
        KeyError: there is no such code.
    """
    return f"{code} {CODES[code].title}\n\n{CODES[code].text}"
