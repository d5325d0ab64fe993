"""Each case is a file: what differs from the good project in ``project/``, and the full text that a person then reads.

``UPDATE_CASES=1`` writes what is said now; read the difference before you keep it.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from syncflow.config.codes import CODES
from syncflow.config.project import read_project
from syncflow.config.render import render
from tests.config.projects import PROJECT, copy_project

CASES = Path(__file__).parent / "cases"
_SECTION = re.compile(r"^=== (.+) ===\n", re.MULTILINE)


def sections(text: str) -> dict[str, str]:
    _, *parts = _SECTION.split(text)
    return dict(zip(parts[::2], parts[1::2], strict=True))


def said_about(case: dict[str, str], directory: Path) -> str:
    copy_project(directory)
    for name, text in case.items():
        if name not in {"environment", "profile", "expected"}:
            path = directory / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    environment = dict(line.split("=", 1) for line in case.get("environment", "").splitlines())
    profile = case.get("profile", "").strip() or None
    _, diagnostics = read_project(directory / "routes.yaml", profile=profile, environment=environment)
    return render(diagnostics).replace(f"{directory.as_posix()}/", "") + "\n"


@pytest.mark.parametrize("path", sorted(CASES.glob("*.case")), ids=lambda path: path.stem)
def test_a_broken_project_is_explained(path: Path, tmp_path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    case = sections(text)
    said = said_about(case, tmp_path)
    if os.environ.get("UPDATE_CASES"):
        path.write_text(text.partition("=== expected ===\n")[0] + "=== expected ===\n" + said, encoding="utf-8")
        return
    assert said == case["expected"]


def test_the_good_project_is_silent() -> None:
    project, diagnostics = read_project(PROJECT / "routes.yaml", environment={})
    assert project is not None
    assert diagnostics == []


def test_every_code_that_is_shown_has_a_page() -> None:
    shown = {
        code for path in CASES.glob("*.case") for code in re.findall(r"\bSF\d{3}\b", path.read_text(encoding="utf-8"))
    }
    assert shown - set(CODES) == set()
