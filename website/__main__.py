"""Build the site: ``python -m website FOLDER [--source-url URL]``, with Zensical beside this Python.

``FOLDER/pages`` gets what is built from, ``FOLDER/html`` the site. Exits with 1 where a link leads nowhere.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
from pathlib import Path

from website.checking import problems
from website.navigation import ROOT, sections
from website.pages import ASSETS, Places, staged, target_of, title_of

CONFIG = Path(__file__).with_name("zensical.toml")


def main() -> None:
    """Stage, build, check."""
    parser = argparse.ArgumentParser(prog="website", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--source-url", default="", help="where files of the repository can be read, ending with /")
    given = parser.parse_args()
    stage(given.folder, source_url=given.source_url)
    zensical = Path(sys.executable).with_name("zensical")
    subprocess.run([zensical, "build", "--clean"], cwd=given.folder, check=True)  # noqa: S603  # nothing of a user's
    found = list(problems(given.folder / "html"))
    sys.stdout.writelines(f"{line}\n" for line in [*found, f"{given.folder / 'html'}: {len(found)} problems"])
    sys.exit(1 if found else 0)


def stage(folder: Path, *, source_url: str = "", root: Path = ROOT) -> None:
    """Write the pages and the configuration of the site into a folder."""
    shutil.rmtree(folder / "pages", ignore_errors=True)
    listed = sections(root)
    places = Places(
        pages={page: target_of(page) for pages in listed.values() for page in pages},
        is_there=lambda path: (root / path).exists(),
        source_url=source_url,
    )
    for source, target in places.pages.items():
        path = folder / "pages" / target
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(staged((root / source).read_text("utf-8"), source, places), "utf-8")
    for picture in (root / "docs").rglob("*"):
        if picture.suffix in ASSETS:
            path = folder / "pages" / picture.relative_to(root / "docs")
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(picture, path)
    text = CONFIG.read_text("utf-8").replace("nav = []", f"nav = {navigation(listed, root)}", 1)
    (folder / "zensical.toml").write_text(text, "utf-8")


def navigation(listed: dict[str, list[str]], root: Path) -> str:
    """Return the navigation as TOML: inline tables of titles, each with a page or with a section's pages."""
    lines = []
    for section, pages in listed.items():
        entries = [
            f"{{ {json.dumps(title_of((root / page).read_text('utf-8')))} = {json.dumps(target_of(page))} }}"
            for page in pages
        ]
        lines += [f"{{ {json.dumps(section)} = [{', '.join(entries)}] }}"] if section else entries
    return f"[\n{''.join(f'  {line},{chr(10)}' for line in lines)}]"


if __name__ == "__main__":
    main()
