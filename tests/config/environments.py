"""An environment that holds what some requirements bring, and nothing else: links to the packages of this one, without a network."""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Iterable
from functools import cache
from importlib.metadata import Distribution, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]


def requirements_of(extra: str = "") -> list[str]:
    """Return what `pip install syncflow` asks for, or `pip install 'syncflow[extra]'`."""
    return [*PROJECT["dependencies"], *(PROJECT["optional-dependencies"][extra] if extra else ())]


def environment(folder: Path, requirements: Iterable[str]) -> list[str]:
    """Fill a folder with syncflow and what the requirements bring; return the command of a Python that sees nothing else."""
    folder.mkdir(parents=True)
    for name in sorted(closure(frozenset(requirements))):
        for file, path in _files(name):
            link = folder / file
            link.parent.mkdir(parents=True, exist_ok=True)
            if not link.exists():
                link.symlink_to(path)
    (folder / "syncflow").symlink_to(ROOT / "syncflow")
    # -S: no site-packages; -P: no current folder; the code that is run puts the folder in front.
    return [sys.executable, "-S", "-P", "-c", f"import sys; sys.path.insert(0, {str(folder)!r}); exec(sys.argv.pop(1))"]


def closure(requirements: frozenset[str]) -> set[str]:
    """Return the names of all distributions that these requirements bring here, with what they bring themselves."""
    found: set[tuple[str, str]] = set()
    open_ = [Requirement(text) for text in requirements]
    while open_:
        wanted = open_.pop()
        if wanted.marker is not None and not wanted.marker.evaluate({"extra": ""}):
            continue
        open_ += _brought(wanted, found)
    return {name for name, _ in found}


def _brought(wanted: Requirement, found: set[tuple[str, str]]) -> list[Requirement]:
    name = canonicalize_name(wanted.name)
    brought = []
    for extra in ("", *wanted.extras):
        if (name, extra) not in found:
            found.add((name, extra))
            for text in _distribution(name).requires or ():
                each = Requirement(text)
                if each.marker is None or each.marker.evaluate({"extra": extra}):
                    each.marker = None
                    brought.append(each)
    return brought


@cache
def _distribution(name: str) -> Distribution:
    return distribution(name)


@cache
def _files(name: str) -> tuple[tuple[str, Path], ...]:
    """Return what to link: whole packages, with what Python has compiled of them, and files of those that several share."""
    files = [file for file in _distribution(name).files or () if not file.parts[0].startswith("..")]
    whole = {file.parts[0] for file in files if len(file.parts) == 2 and file.name == "__init__.py"}
    single = [file for file in files if file.parts[0] not in whole and "__pycache__" not in file.parts]
    found = {folder: Path(str(_distribution(name).locate_file(folder))) for folder in whole}
    return tuple({**found, **{file.as_posix(): Path(str(file.locate())) for file in single}}.items())
