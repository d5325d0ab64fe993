"""Where a project keeps its journal, found also in a routes file that is wrong elsewhere.

In: the path of a routes file, a profile, an environment. Out: the journal's path, and the errors that the file has beside it. The
journal of a broken project can be looked into, for what it holds does not depend on today's files. Other files are not read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple

from syncflow.config.diagnostics import Diagnostic
from syncflow.config.env_file import environment_for
from syncflow.config.files import Files, is_file, resolved
from syncflow.config.models.routes import JournalSettings, RoutesFile
from syncflow.config.nodes import MappingNode, find
from syncflow.config.profiles import overlaid, pick
from syncflow.config.routes_file import with_next_step
from syncflow.config.validation import read_model
from syncflow.config.variables import Expansion
from syncflow.config.written_adapters import apart
from syncflow.errors import ProjectError


@dataclass(frozen=True, slots=True)
class PostgresPlace:
    """A schema of a PostgreSQL database. Its text shows neither user nor password."""

    url: str = field(repr=False)
    schema: str = "syncflow"
    project: str = ""
    """Whose journal it is."""
    sync: Literal["full", "normal"] = "full"

    def __str__(self) -> str:
        return f"the schema {self.schema} of a PostgreSQL database"


Place = Path | PostgresPlace
"""Where a journal is kept: a file, or a schema."""


def place_of(settings: JournalSettings, routes: Path) -> Place:
    """Return where the journal of a project is kept; ``routes``: its routes file."""
    if settings.url is None:
        return routes.parent / settings.path
    return PostgresPlace(settings.url, settings.schema_name, project_name(settings, routes), settings.sync)


def project_name(settings: JournalSettings, routes: Path) -> str:
    """Return what a project is called: as its journal knows it, else by its folder."""
    return settings.project or routes.resolve().parent.name or "syncflow"


class JournalPlace(NamedTuple):
    """Where a project's journal is. ``errors`` are those of the routes file, which do not concern it."""

    path: Place
    errors: tuple[Diagnostic, ...] = ()


def find_journal(
    routes: str | Path, *, profile: str | None = None, environment: Mapping[str, str] | None = None
) -> JournalPlace:
    """Return where the journal of a project is. Of a file that is no YAML at all, it is the usual place beside it, if one is there.

    Raises:
        ProjectError: the file does not say where: no such profile, a wrong ``journal:``, a missing variable in its path.
    """
    path = resolved(Path(), str(routes))
    environment = environment_for(path.parent) if environment is None else environment
    files = Files(environment, offline=True)
    root = files.tree(path)
    if root is None:
        usual = path.parent / JournalSettings().path
        if not (is_file(path) and is_file(usual)) or profile is not None:
            raise _refused(with_next_step(files.diagnostics, path))
        return JournalPlace(usual, tuple(files.diagnostics))
    name, wrong = pick(root, asked=profile, environment=environment)
    if wrong:
        raise _refused(wrong)
    merged = overlaid(root, name)
    _need_variables(merged, path.parent, environment)
    node, _, found = apart(files.expanded(merged, path.parent), path)
    _, refused = read_model(RoutesFile, node)
    errors = tuple(each for each in (*files.diagnostics, *found, *refused) if each.is_error)
    settings = _settings(node)
    if settings is None:
        raise _refused([each for each in errors if each.path.partition(".")[0] == "journal"])
    return JournalPlace(place_of(settings, path), errors)


_SAYS_WHERE = ("path", "url", "schema", "project")


def _need_variables(root: MappingNode, directory: Path, environment: Mapping[str, str]) -> None:
    """Refuse a missing variable in the journal's path or address, for it decides which journal is meant."""
    expansion = Expansion(environment, directory)
    for name in _SAYS_WHERE:
        place, _, steps = find(root, ("journal", name))
        if steps == 2:
            expansion.expand(place)
    if expansion.diagnostics:
        raise _refused(expansion.diagnostics)


def _settings(root: MappingNode) -> JournalSettings | None:
    """Read ``journal:`` as far as it says where the journal is; None where it does not."""
    if "journal" not in root.entries:
        return JournalSettings()
    node = root.entries["journal"].value
    if isinstance(node, MappingNode):
        told = {name: entry for name, entry in node.entries.items() if name in _SAYS_WHERE}
        node = MappingNode(node.file, node.start, node.end, told)
    return read_model(JournalSettings, node)[0]


def _refused(diagnostics: Sequence[Diagnostic]) -> ProjectError:
    return ProjectError("the routes file does not say where the journal is", diagnostics=diagnostics)
