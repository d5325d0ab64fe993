"""Every recipe of the cookbook is a project without problems, and its tests pass."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from syncflow.compiler.problems import check
from syncflow.config.project import load_project
from syncflow.config.render import render
from syncflow.testing.trials import run_tests
from tests.docs.cookbook import Recipe, recipes, write_project

RECIPES = recipes()


def test_there_are_thirty_recipes_with_names_of_their_own() -> None:
    assert len({recipe.title for recipe in RECIPES}) == len(RECIPES) >= 30


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.title)
def test_a_recipe_is_without_problems_and_does_what_it_says(recipe: Recipe, tmp_path: Path) -> None:
    path = write_project(recipe, tmp_path)
    secrets = dict.fromkeys(re.findall(r"\$\{(\w+)\}", path.read_text("utf-8")), "made-up-secret")
    project = load_project(path, environment=secrets)
    assert render(check(project)) == ""
    report = run_tests(project)
    assert report.results
    assert [(result.name, result.differences) for result in report.failed] == []
