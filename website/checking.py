"""Looks through a built site for links that lead nowhere, parts that no page has, and anything loaded from another host."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

_LOADED = {"script": "src", "img": "src", "source": "srcset", "link": "href", "iframe": "src"}
_NOT_LOADED = {"canonical", "next", "prev", "alternate", "edit", "license"}


@dataclass(slots=True)
class _Seen:
    links: list[str] = field(default_factory=list)
    loaded: list[str] = field(default_factory=list)
    ids: set[str] = field(default_factory=set)


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen = _Seen()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value for name, value in attrs if value is not None}
        if "id" in given:
            self.seen.ids.add(given["id"])
        if tag == "a" and "href" in given:
            self.seen.links.append(given["href"])
        if (name := _LOADED.get(tag)) in given and name and not _NOT_LOADED & set(given.get("rel", "").split()):
            self.seen.loaded.append(given[name])


def problems(site: Path) -> Iterator[str]:
    """Yield what is wrong with a built site, a line for each."""
    pages = {path.relative_to(site).as_posix(): _read(path) for path in sorted(site.rglob("*.html"))}
    for name, seen in pages.items():
        for address in seen.loaded:
            if urlsplit(address).netloc:
                yield f"{name}: loads {address} from another host"
        for link in [*seen.links, *seen.loaded]:
            if name != "404.html" and (problem := _dead(link, name, site, pages)):
                yield f"{name}: {link} {problem}"


def _read(path: Path) -> _Seen:
    page = _Page()
    page.feed(path.read_text("utf-8"))
    return page.seen


def _dead(link: str, name: str, site: Path, pages: dict[str, _Seen]) -> str:
    parts = urlsplit(link)
    if parts.scheme or parts.netloc:
        return ""
    path = unquote(urljoin(name, parts.path)) if parts.path else name
    path = f"{path}index.html" if not path or path.endswith("/") else path
    if not (site / path).is_file():
        return "leads to no page"
    wanted = unquote(parts.fragment)
    has_part = not wanted or path not in pages or wanted in pages[path].ids or wanted.startswith("__")
    return "" if has_part else "leads to no part of that page"
