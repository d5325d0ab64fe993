"""What a hint says to write, written: the fault is gone. Every golden project is mended by the words that it is told."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from syncflow.compiler.every_profile import check_every_profile
from syncflow.config.diagnostics import Diagnostic, Replacement
from syncflow.config.project import read_project
from syncflow.config.replacements import replacement_of
from tests.compiler.projects import write_project
from tests.compiler.test_checks import CASES, ENVIRONMENT, changes_of
from tests.config.projects import copy_project
from tests.config.test_diagnostics import CASES as CONFIG_CASES
from tests.config.test_diagnostics import sections

SAYS_WHAT_TO_WRITE = re.compile(r"^(?:the arguments are the wrong way round: )?write [^.…]+$|^delete it$")


def applied(replacement: Replacement) -> None:
    """Write a replacement into its file."""
    span, path = replacement.span, Path(replacement.span.file)
    text = path.read_text(encoding="utf-8")
    lines = text.split("\n")
    assert span.line == span.end_line, "a replacement stays within a line"
    line = lines[span.line - 1]
    lines[span.line - 1] = line[: span.column - 1] + replacement.text + line[span.end_column - 1 :]
    path.write_text("\n".join(lines), encoding="utf-8")


def is_same(one: Diagnostic, other: Diagnostic) -> bool:
    return (one.code, one.path, one.message, one.span.file) == (other.code, other.path, other.message, other.span.file)


def count(diagnostic: Diagnostic, found: Sequence[Diagnostic]) -> int:
    return sum(is_same(diagnostic, other) for other in found)


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.stem)
def test_what_a_hint_says_to_write_mends_the_fault(case: Path, tmp_path: Path) -> None:
    changes = changes_of(case.read_text(encoding="utf-8").partition("---\n")[0].strip())
    routes = write_project(tmp_path, changes)
    before = check_every_profile(routes, environment=ENVIRONMENT)
    for diagnostic in before:
        replacement = replacement_of(diagnostic)
        if replacement is not None:
            write_project(tmp_path, changes)
            applied(replacement)
            after = check_every_profile(routes, environment=ENVIRONMENT)
            assert count(diagnostic, after) < count(diagnostic, before), (diagnostic, replacement.text)
            assert not [each for each in after if each.code == "SF100"], replacement.text


@pytest.mark.parametrize("case", sorted(CONFIG_CASES.glob("*.case")), ids=lambda path: path.stem)
def test_what_a_hint_of_a_setting_says_to_write_mends_the_fault(case: Path, tmp_path: Path) -> None:
    files = sections(case.read_text(encoding="utf-8"))
    environment = dict(line.split("=", 1) for line in files.get("environment", "").splitlines())
    profile = files.get("profile", "").strip() or None

    def said() -> list[Diagnostic]:
        return read_project(tmp_path / "routes.yaml", profile=profile, environment=environment)[1]

    def written() -> None:
        copy_project(tmp_path)
        for name, text in files.items():
            if name not in {"environment", "profile", "expected"}:
                (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
                (tmp_path / name).write_text(text, encoding="utf-8")

    written()
    before = said()
    for diagnostic in before:
        replacement = replacement_of(diagnostic)
        if replacement is not None:
            written()
            applied(replacement)
            assert count(diagnostic, said()) < count(diagnostic, before), (diagnostic, replacement.text)


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.stem)
def test_a_hint_that_says_what_to_write_can_be_applied(case: Path, tmp_path: Path) -> None:
    changes = changes_of(case.read_text(encoding="utf-8").partition("---\n")[0].strip())
    found = check_every_profile(write_project(tmp_path, changes), environment=ENVIRONMENT)
    told = [each for each in found if each.suggestion or SAYS_WHAT_TO_WRITE.match(each.hint)]
    assert [(each.code, each.hint) for each in told if replacement_of(each) is None] == []
