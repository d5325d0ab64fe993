"""Every code a diagnostic may carry, with its title and the page that ``validate --explain`` prints.

The pages are the sections of ``pages/*.md``: a new code is a new section, ``## SF310 Title`` and what it means, with an example and
a fix. SF1xx files and YAML · SF2xx keys, values, settings · SF3xx expressions and mappings · SF4xx routes · SF5xx adapters ·
SF6xx schemas and objects.
"""

from __future__ import annotations

import re
from functools import cache
from importlib import resources

_SECTION = re.compile(r"^## (SF\d{3}) (.+)$", re.MULTILINE)


@cache
def pages() -> dict[str, tuple[str, str]]:
    """Return title and page by code, in the order of the codes."""
    found: dict[str, tuple[str, str]] = {}
    for file in resources.files("syncflow.config").joinpath("pages").iterdir():
        if file.name.endswith(".md"):
            found.update(_sections(file.read_text(encoding="utf-8")))
    return dict(sorted(found.items()))


def _sections(text: str) -> dict[str, tuple[str, str]]:
    heads = list(_SECTION.finditer(text))
    ends = [*(head.start() for head in heads[1:]), len(text)]
    return {head[1]: (head[2].strip(), text[head.end() : end].strip()) for head, end in zip(heads, ends, strict=True)}


def title(code: str) -> str:
    """Return what a code means in a few words; the code itself where it is not known."""
    return pages().get(code, (code, ""))[0]


def explanation(code: str) -> str | None:
    """Return the page of a code, its title first; None where there is none."""
    page = pages().get(code)
    return f"{code} {page[0]}\n\n{page[1]}" if page else None
