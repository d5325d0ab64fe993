"""Pages of the repository → pages of the site: where each goes, and its links rewritten to where the others went. Pure."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

_PARTS = re.compile(
    r"(?P<fence>^ *```.*?^ *```$)|(?P<code>`[^`\n]+`)"
    r"|\[(?P<text>(?:[^\[\]`\n]|`[^`\n]*`)*)\]\((?P<link>[^()\s]+)\)"
    r"|(?P<attribute>(?:src|srcset|href)=\")(?P<address>[^\"]+)\"",
    re.MULTILINE | re.DOTALL,
)
_HEADING = re.compile(r"^# (.+)$", re.MULTILINE)
ASSETS = (".png", ".svg")


@dataclass(frozen=True, slots=True)
class Places:
    """Where files of the repository are on the site.

    ``pages`` is the path in the repository → the path on the site; ``is_there`` tells whether the repository has a file or folder;
    ``source_url`` is an address under which its files can be read, with ``/`` at its end, or empty.
    """

    pages: Mapping[str, str]
    is_there: Callable[[str], bool]
    source_url: str = ""


def target_of(source: str) -> str:
    """Return the path on the site of a page of the repository."""
    if source == "README.md":
        return "index.md"
    path = source.removeprefix("docs/")
    if path.startswith("examples/"):
        return path.removesuffix("/README.md") + ".md"
    folder, name = posixpath.split(path)
    return posixpath.join(folder, "index.md" if name == "README.md" else name if folder else name.lower())


def title_of(text: str) -> str:
    """Return the first heading of a page, without marks of code."""
    match = _HEADING.search(text)
    assert match, "a page has a heading"
    return match[1].replace("`", "")


def staged(text: str, source: str, places: Places) -> str:
    """Return the text of a page with its links leading to the site's pages, or to the repository for what is no page.

    Raises:
        ValueError: a link leads to nothing.
    """

    def rewritten(match: re.Match[str]) -> str:
        if match["fence"] or match["code"]:
            return match[0]
        if match["attribute"]:
            return f'{match["attribute"]}{_address(match["address"], source, places) or match["address"]}"'
        address = _address(match["link"], source, places)
        return f"[{match['text']}]({address})" if address else _without_link(match["text"], match["link"], source)

    return _PARTS.sub(rewritten, text).replace("<details>", '<details markdown="1">')  # tables within are Markdown


def _without_link(text: str, link: str, source: str) -> str:
    path = f"`{_in_repository(link, source)[0]}`"
    return path if text.strip("`") in path else f"{text}: {path}"


def _in_repository(link: str, source: str) -> tuple[str, str]:
    """Return the path in the repository and the part of a link."""
    path, _, part = link.partition("#")
    return posixpath.normpath(posixpath.join(posixpath.dirname(source), path)) if path else source, part


def _address(link: str, source: str, places: Places) -> str:
    """Return where a link leads on the site; empty if what it names is not there."""
    if re.match(r"[a-z]+:", link):
        return link
    path, part = _in_repository(link, source)
    if not places.is_there(path):
        raise ValueError(f"{source}: {link} leads to nothing")
    page = places.pages.get(path) or places.pages.get(f"{path}/README.md")
    suffix = f"#{part}" if part else ""
    if page is None and path.endswith(ASSETS):
        page = path.removeprefix("docs/")
    if page is None:
        return f"{places.source_url}{path}" if places.source_url else ""
    here = posixpath.dirname(places.pages[source])
    return posixpath.relpath(page, here or ".") + suffix
