"""The site: every page stands once in its navigation, links lead on, and what is built loads nothing from elsewhere."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from syncflow.cli.live_table import live_lines
from syncflow.cli.standings import Standing, Standings
from tests.docs.blocks import ROOT, documents
from website.__main__ import navigation
from website.checking import problems
from website.navigation import sections
from website.pages import Places, staged, target_of

SECTIONS = sections()
LISTED = [page for pages in SECTIONS.values() for page in pages]
PLACES = Places({page: target_of(page) for page in LISTED}, lambda path: (ROOT / path).exists())


def test_every_page_stands_in_the_navigation_once() -> None:
    pages = [page.relative_to(ROOT).as_posix() for page in documents()] + ["SECURITY.md", "CHANGELOG.md"]
    assert sorted(LISTED) == sorted(pages)


def test_no_two_pages_go_to_one_place() -> None:
    assert len(set(PLACES.pages.values())) == len(LISTED)


def test_the_navigation_is_toml_with_a_title_for_each_page() -> None:
    written = tomllib.loads(f"nav = {navigation(SECTIONS, ROOT)}")["nav"]
    assert written[0] == {"syncflow": "index.md"}
    assert {"Tutorial"} < {title for entry in written for title in entry}


@pytest.mark.parametrize("page", LISTED)
def test_every_link_of_a_staged_page_leads_to_a_page_or_is_text(page: str) -> None:
    text = re.sub(
        r"^```.*?^```$|`[^`\n]+`", "", staged((ROOT / page).read_text("utf-8"), page, PLACES), flags=re.M | re.S
    )
    here = (Path("/") / PLACES.pages[page]).parent
    targets = {f"/{target}" for target in PLACES.pages.values()}
    for link in re.findall(r"\]\((?![a-z]+:|#)([^)\s#]+)", text):
        assert link.endswith((".png", ".svg")) or (here / link).resolve().as_posix() in targets


FILES = Places(
    pages={
        "README.md": "index.md",
        "docs/a.md": "a.md",
        "docs/in/b.md": "in/b.md",
        "examples/c/README.md": "examples/c.md",
    },
    is_there={"README.md", "docs/a.md", "docs/in/b.md", "examples/c", "tests/t.py", "docs/in/p.png"}.__contains__,
)


@pytest.mark.parametrize(
    ("source", "text", "expected"),
    [
        ("README.md", "[a](docs/a.md#x)", "[a](a.md#x)"),
        ("docs/in/b.md", "[a](../a.md)", "[a](../a.md)"),
        ("docs/in/b.md", "[c](../../examples/c)", "[c](../examples/c.md)"),
        ("docs/a.md", "[up](../README.md)", "[up](index.md)"),
        ("docs/a.md", "[here](#part)", "[here](a.md#part)"),
        ("docs/a.md", "![p](in/p.png)", "![p](in/p.png)"),
        ("docs/a.md", '<img src="in/p.png">', '<img src="in/p.png">'),
        ("docs/a.md", "([holds](../tests/t.py#test_x))", "(holds: `tests/t.py`)"),
        ("docs/a.md", "[`t.py`](../tests/t.py)", "`tests/t.py`"),
        ("docs/a.md", "[away](https://example.com/)", "[away](https://example.com/)"),
        ("docs/a.md", "`[code](nowhere)`", "`[code](nowhere)`"),
        ("docs/a.md", "```text\n[code](nowhere)\n```", "```text\n[code](nowhere)\n```"),
    ],
)
def test_a_link_leads_to_the_page_of_the_site(source: str, text: str, expected: str) -> None:
    assert staged(text, source, FILES) == expected


def test_with_an_address_of_the_repository_other_files_are_linked_there() -> None:
    places = Places(FILES.pages, FILES.is_there, "https://example.com/blob/main/")
    assert staged("[t](../tests/t.py)", "docs/a.md", places) == "[t](https://example.com/blob/main/tests/t.py)"


def test_a_link_to_nothing_ends_the_build() -> None:
    with pytest.raises(ValueError, match=r"docs/a\.md: b\.md leads to nothing"):
        staged("[b](b.md)", "docs/a.md", FILES)


def test_what_is_wrong_with_a_built_site_is_said(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text(
        '<a href="b.html#there">b</a><a href="b.html#not">b</a><a href="c.html">c</a><a href="https://example.com">e</a>'
        '<script src="https://example.com/x.js"></script>',
        "utf-8",
    )
    (tmp_path / "b.html").write_text('<p id="there"><a href="index.html">i</a>', "utf-8")
    assert list(problems(tmp_path)) == [
        "index.html: loads https://example.com/x.js from another host",
        "index.html: b.html#not leads to no part of that page",
        "index.html: c.html leads to no page",
    ]


def test_the_picture_of_a_terminal_shows_the_live_view_as_it_is_and_loads_nothing() -> None:
    picture = (ROOT / "docs/pictures/terminal.svg").read_text("utf-8")
    assert "url(http" not in picture
    system = Standing("s", "1.0", (), in_flight=0, waiting=0, referring=0, retrying=0, delivered=0, dead=0, trouble="")
    headers = next(line for line in live_lines(Standings("", (system,)), width=200) if "SYSTEM" in line)
    shown = re.search(r"SYSTEM[^<]*", picture)
    assert shown is not None
    assert shown[0].replace("&#160;", " ").split() == headers.split()
