"""What other installed packages bring, by their entry points: kinds of sources and folders of adapters.

Nothing of a package is imported before a project names what only it may bring; a name of syncflow's own is never asked here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from pydantic_core import PydanticCustomError

from syncflow.config.models.base import Model
from syncflow.config.scalars import refuse

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

SOURCES = "syncflow.sources"
ADAPTERS = "syncflow.adapters"
_EXPECTED = "a SourceKind whose model is a class of syncflow.Settings"


class Kind(Protocol):
    """A kind of source as a package describes it (``syncflow.sources.kinds.SourceKind``)."""

    @property
    def model(self) -> type[Model]:
        """What its settings are."""
        ...

    @property
    def open(self) -> Any:
        """Settings and surroundings → the source."""
        ...


@cache
def kinds_of_packages() -> Mapping[str, tuple[EntryPoint, ...]]:
    """Return the names of the kinds of sources that packages bring, each with its entry points: more than one is too many."""
    return _named(SOURCES)


@cache
def kind_of_package(name: str) -> Kind:
    """Import a kind of source.

    Raises:
        PydanticCustomError: what its package brings cannot be used, or two packages bring it.
    """
    found = kinds_of_packages()[name]
    if len(found) > 1:
        packages = " and ".join(sorted(map(_package, found)))
        raise _refused(name, f"the packages {packages} both bring a source `{name}`", hint="uninstall one of them")
    try:
        kind = found[0].load()
    except Exception as error:  # whatever a package does when it is imported
        message = f"the source `{name}` of the package {_package(found[0])} cannot be loaded"
        raise _refused(name, message, found=f"{type(error).__name__}: {error}") from error
    model = getattr(kind, "model", None)
    if not (isinstance(model, type) and issubclass(model, Model) and callable(getattr(kind, "open", None))):
        message = f"the package {_package(found[0])} does not say what its source `{name}` is"
        raise _refused(name, message, expected=_EXPECTED, found=f"{found[0].value} is {type(kind).__name__}")
    return kind  # type: ignore[no-any-return]  # looked at just now


def _refused(key: str, message: str, *, expected: str = "", found: str = "", hint: str = "") -> PydanticCustomError:
    error = refuse(message, expected=expected, found=found, hint=hint, code="SF205")
    return PydanticCustomError("syncflow", "{message}", {**(error.context or {}), "key": key})


@cache
def folders_of_adapters() -> Mapping[Path, str]:
    """Return the folders of adapters that packages bring, each with its package; the modules are found, not run."""
    found = sorted(entry for entries in _named(ADAPTERS).values() for entry in entries)
    return {folder: _package(entry) for entry in found for folder in _folders(entry)}


def shown_in_package(path: Path) -> str:
    """Return the path of a package's adapter as messages show it, without this machine's folders; empty for any other file."""
    found = (folder for folder in _known_folders() if path.is_relative_to(folder))
    folder = next(found, None)
    return "" if folder is None else (Path(folder.parent.name) / folder.name / path.relative_to(folder)).as_posix()


def _known_folders() -> Iterator[Path]:
    """Yield the folders of adapters of packages, if any have been looked for: to show a path is no reason to look."""
    if folders_of_adapters.cache_info().currsize:
        yield from folders_of_adapters()


def _folders(entry: EntryPoint) -> Iterator[Path]:
    try:
        spec = find_spec(entry.value)
    except (ImportError, ValueError):
        return
    yield from map(Path, (spec.submodule_search_locations or ()) if spec else ())


def _named(group: str) -> Mapping[str, tuple[EntryPoint, ...]]:
    from importlib.metadata import entry_points  # noqa: PLC0415  # it loads much that most projects have no need of

    found: dict[str, tuple[EntryPoint, ...]] = {}
    for entry in entry_points(group=group):
        same = found.get(entry.name, ())
        if not any(entry.value == other.value and _package(entry) == _package(other) for other in same):
            found[entry.name] = (*same, entry)
    return found


def _package(entry: EntryPoint) -> str:
    return entry.dist.name if entry.dist is not None else entry.module
