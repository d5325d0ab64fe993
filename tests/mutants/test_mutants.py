"""The list of mutants stays in step with the code; ``make mutants`` tries them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.mutants.mutant import ROOT, Mutant, StaleMutantError, read_mutants
from tests.mutants.propose import changes, entry

MUTANTS = read_mutants()


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: f"{mutant.file}: {mutant.name}")
def test_a_mutant_still_changes_its_file_to_another_that_compiles(mutant: Mutant) -> None:
    text = (ROOT / mutant.file).read_text("utf-8")
    changed = mutant.applied(text)
    assert changed != text
    if mutant.file.endswith(".py"):
        compile(changed, mutant.file, "exec")
    assert all((ROOT / test.split("::")[0]).exists() for test in mutant.tests if not test.startswith("-"))


def test_there_are_enough_of_them_and_each_has_a_name_of_its_own() -> None:
    assert len(MUTANTS) >= 100
    names = [(mutant.file, mutant.name) for mutant in MUTANTS]
    assert len(set(names)) == len(names)
    assert all(mutant.name for mutant in MUTANTS)


def test_a_mutant_whose_text_is_gone_or_doubled_is_stale(tmp_path: Path) -> None:
    mutant = Mutant("n", "f.py", "a < b", "a <= b", ("tests",))
    assert mutant.applied("if a < b:") == "if a <= b:"
    with pytest.raises(StaleMutantError, match="occurs 0 times"):
        mutant.applied("if a > b:")
    with pytest.raises(StaleMutantError, match="occurs 2 times"):
        mutant.applied("a < b or a < b")


def test_proposals_change_one_line_each_and_can_be_listed() -> None:
    text = "def f(a, b):\n    if a < b and not b:\n        g(a)\n    return 1 if a else 0\n"
    found = set(changes(text))
    expected = {
        "if a <= b and not b:",
        "if a < b or not b:",
        "if a < b and b:",
        "        pass",
        "return 2 if a else 0",
        "return 1 if a else 1",
        "return 1 if not (a) else 0",
    }
    assert {line for line in expected if any(line in changed for changed in found)} == expected
    assert len(found) == len(expected)
    for changed in found:
        before, after = entry(text, changed)
        assert text.replace(before, after) == changed
