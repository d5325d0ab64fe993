"""A package that is not installed is named before a run, with the command that installs it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from syncflow.config.models.traces import TraceSettings
from syncflow.config.render import render
from syncflow.config.source_settings import check_sources
from syncflow.config.trace_settings import check_traces
from tests.compiler.projects import open_project

MISSING = """\
routes.yaml:2:16: SF222 files called .zst need a package that is not installed
  2 |   file: {path: events.jsonl}
    |                ^^^^^^^^^^^^
  hint:     pip install 'syncflow[zst]'"""


def said(folder: Path, path: str, *installed: str) -> str:
    """Return what is said of a file source; the package may be missing here too, so the path is exchanged in a loaded project."""
    routes = open_project(folder).routes
    source = routes.model.source
    assert source is not None
    assert source.file is not None
    source = source.model_copy(update={"file": source.file.model_copy(update={"path": path})})
    changed = replace(routes, model=routes.model.model_copy(update={"source": source}))
    found = render(list(check_sources(changed, is_installed=installed.__contains__)), "text")
    return found.replace(f"{folder.as_posix()}/", "").strip()


@pytest.mark.parametrize("path", ["events.jsonl.zst", "exports/*.csv.zst"])
def test_a_package_that_a_source_needs_is_named_with_its_extra(path: str, tmp_path: Path) -> None:
    assert said(tmp_path, path) == MISSING
    assert said(tmp_path, path, "zstandard") == ""


@pytest.mark.parametrize("path", ["events.jsonl", "events.jsonl.gz"])
def test_a_source_that_needs_no_package_is_not_asked_for_one(path: str, tmp_path: Path) -> None:
    assert said(tmp_path, path) == ""


def test_traces_without_their_packages_are_named_with_their_extra(tmp_path: Path) -> None:
    routes = open_project(tmp_path).routes
    changed = replace(routes, model=routes.model.model_copy(update={"traces": TraceSettings(propagate=("elsewhere",))}))
    found = [(each.code, each.hint) for each in check_traces(changed, is_installed=lambda _: False)]
    assert found == [("SF222", "pip install 'syncflow[otel]'"), ("SF401", "")]
    assert [each.code for each in check_traces(changed, is_installed=lambda _: True)] == ["SF401"]
    assert list(check_traces(routes, is_installed=lambda _: False)) == []
