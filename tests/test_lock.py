"""The locks: they hold what pyproject.toml asks for, whole, and say nothing of where it is downloaded."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
RUNTIME = PROJECT["project"]["dependencies"]
DEVELOPMENT = PROJECT["dependency-groups"]["dev"]
LOCKS = {
    "requirements.lock": RUNTIME,
    "requirements-dev.lock": RUNTIME + DEVELOPMENT + PROJECT["build-system"]["requires"],
    "bench/requirements-others.lock": PROJECT["dependency-groups"]["bench-others"],
    "website/requirements.lock": PROJECT["dependency-groups"]["site"],
}
ENTRY = re.compile(r"^([A-Za-z0-9._-]+)==([^\s\\;]+)((?:\s*\\\n\s+--hash=sha256:[0-9a-f]{64})+)\n", re.MULTILINE)


def locked(name: str) -> dict[str, Version]:
    text = (ROOT / name).read_text("utf-8")
    return {canonicalize_name(package): Version(version) for package, version, _ in ENTRY.findall(text)}


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_holds_what_the_project_asks_for(name: str) -> None:
    versions = locked(name)
    wanted = [Requirement(line) for line in LOCKS[name]]
    missing = [str(want) for want in wanted if canonicalize_name(want.name) not in versions]
    assert not missing
    assert not [
        str(want)
        for want in wanted
        if not want.specifier.contains(versions[canonicalize_name(want.name)], prereleases=True)
    ]


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_is_nothing_but_versions_and_hashes(name: str) -> None:
    assert ENTRY.sub("", (ROOT / name).read_text("utf-8")).strip() == ""


def test_the_development_lock_has_the_same_versions() -> None:
    development = locked("requirements-dev.lock")
    assert locked("requirements.lock").items() <= development.items()
