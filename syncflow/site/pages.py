"""The facts of a project as files of HTML: an index, a page for each record, mapping and system, and the way of each value.

The pages load two files beside them and nothing else, run no script, and can be opened from a folder or served from any place.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import escape

from syncflow.errors import ProjectError
from syncflow.site.drawing import BOX_HEIGHT, BOX_WIDTH, drawn
from syncflow.site.facts import SiteFacts

HOME = Path(__file__).parent
SHARED = HOME.parent / "console" / "static"
STATIC = (SHARED / "console.css", SHARED / "icon.svg", HOME / "static" / "site.css")
MASK = "•••"
LISTED = ".syncflow-site"
"""The file that lists what was written: only that is ever replaced or removed."""


def write_site(facts: SiteFacts, folder: Path, *, secrets: Iterable[str] = ()) -> int:
    """Write the pages of a project; return how many there are. Pages that an earlier site had and this one has not are removed.

    Raises:
        ProjectError: the folder holds files that are not of a site, or cannot be written.
    """
    made = pages(facts, secrets=secrets)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _remove_earlier(folder)
        for name, text in made.items():
            path = folder / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, "utf-8")
        (folder / "static").mkdir(exist_ok=True)
        for file in STATIC:
            shutil.copyfile(file, folder / "static" / file.name)
        names = [*made, *(f"static/{file.name}" for file in STATIC)]
        (folder / LISTED).write_text("".join(f"{name}\n" for name in names), "utf-8")
    except OSError as error:
        raise ProjectError(f"cannot write {error.filename}: {error.strerror}") from error
    return len(made)


def _remove_earlier(folder: Path) -> None:
    listed = folder / LISTED
    if not listed.exists():
        if any(folder.iterdir()):
            hint = "name a folder that is empty or not there: --out site"
            raise ProjectError(f"{folder} holds other files than a site, which would be mixed up", hint=hint)
        return
    for name in listed.read_text("utf-8").splitlines():
        path = (folder / name).resolve()
        if path.is_relative_to(folder.resolve()):
            path.unlink(missing_ok=True)


def pages(facts: SiteFacts, *, secrets: Iterable[str] = ()) -> dict[str, str]:
    """Return file → HTML; what is secret is masked wherever it stands."""
    hidden = sorted({str(escape(secret)) for secret in secrets if secret}, key=len, reverse=True)
    links = _links(facts)
    environment = _environment(facts, links)
    shown: dict[str, tuple[str, dict[str, object]]] = {
        "index.html": ("index.html", {"drawing": drawn(facts), "BOX_WIDTH": BOX_WIDTH, "BOX_HEIGHT": BOX_HEIGHT}),
        "lineage.html": ("lineage.html", {}),
        **{links["records", each.name]: ("record.html", {"record": each}) for each in facts.records},
        **{links["mappings", each.name]: ("mapping.html", {"mapping": each}) for each in facts.mappings},
        **{links["systems", each.name]: ("system.html", {"system": each}) for each in facts.systems},
    }
    made = {
        name: environment.get_template(template).render(root="../" if "/" in name else "", page=name, **values)
        for name, (template, values) in shown.items()
    }
    for secret in hidden:
        made = {name: text.replace(secret, MASK) for name, text in made.items()}
    return made


def _environment(facts: SiteFacts, links: Mapping[tuple[str, str], str]) -> Environment:
    found = Environment(
        loader=FileSystemLoader(HOME / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    mappings = {route.name: route.mapping for route in facts.routes}

    def link(kind: str, name: str) -> str:
        if kind == "routes":
            return link("mappings", mappings[name])
        return quote(links[kind, name])

    found.globals.update(site=facts, link=link, field_id=_field_id)
    return found


def _links(facts: SiteFacts) -> dict[tuple[str, str], str]:
    """Return kind, name → file; names that differ only in odd characters are told apart by a number."""
    kinds: dict[str, Iterable[str]] = {
        "records": [each.name for each in facts.records],
        "mappings": [each.name for each in facts.mappings],
        "systems": [each.name for each in facts.systems],
    }
    found: dict[tuple[str, str], str] = {}
    taken: set[str] = set()
    for kind, names in kinds.items():
        for name in names:
            file, number = f"{kind}/{_plain(name)}.html", 2
            while file.lower() in taken:
                file, number = f"{kind}/{_plain(name)}-{number}.html", number + 1
            taken.add(file.lower())
            found[kind, name] = file
    return found


def _plain(name: str) -> str:
    name = re.sub(r"\.ya?ml$", "", name).removeprefix("mappings/")
    return re.sub(r"[^A-Za-z0-9_]+", "-", name).strip("-")[:80] or "unnamed"


def _field_id(name: str) -> str:
    return f"field-{quote(name, safe='')}"
