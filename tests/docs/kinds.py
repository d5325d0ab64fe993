"""Which kind of file a YAML block shows, told by its first line, and what is wrong with it."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import yaml
from pydantic import BaseModel

from syncflow.config.files import Files
from syncflow.config.models.adapter import AdapterFile
from syncflow.config.models.mapping import MappingFile
from syncflow.config.models.routes import RoutesFile
from syncflow.config.models.schema import ObjectFile, SchemaNode
from syncflow.config.project import load_project
from syncflow.config.render import render
from syncflow.errors import ProjectError
from tests.docs.blocks import ROOT, Block

KINDS: dict[str, type[BaseModel]] = {
    "routes": RoutesFile,
    "mappings/": MappingFile,
    "adapters/objects/": ObjectFile,
    "adapters/": AdapterFile,
    "schemas/": SchemaNode,
    "objects/": ObjectFile,
}
_TITLE = re.compile(r"# (?P<part>in )?(?P<path>[\w./-]+\.yaml)\b")


def file_of(block: Block) -> str:
    """Return the path of the file that a block shows whole; empty where it shows none."""
    title = _TITLE.match(block.text) if block.language == "yaml" else None
    return title["path"] if title and not title["part"] else ""


def problems_of(block: Block, folder: Path) -> list[str]:
    """Check a block as the file that its first line names; ``# in routes.yaml`` is laid over the default project."""
    title = _TITLE.match(block.text)
    if title is None or (title["part"] and block.path.name == "cookbook.md"):
        return []  # test_cookbook lays these over the project of that page
    if title["part"] and title["path"] == "routes.yaml":
        return _over_the_default_project(block.text, folder)
    model = next(model for name, model in KINDS.items() if title["path"].startswith(name))
    path = folder / title["path"]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(block.text, "utf-8")
    files = Files({}, offline=True)
    files.document(model, path)
    return [render([problem]) for problem in files.diagnostics]


def _over_the_default_project(text: str, folder: Path) -> list[str]:
    for name in ("schemas", "mappings", "objects"):
        shutil.copytree(ROOT / name, folder / name)
    shutil.copy(ROOT / "routes.yaml", folder)
    try:
        load_project(folder / "routes.yaml", environment={}, offline=True).with_changes(yaml.safe_load(text))
    except ProjectError as error:
        return [render(error.diagnostics)]
    return []
