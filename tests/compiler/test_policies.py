"""A system's own patience lies over the project's, key by key."""

from __future__ import annotations

from pathlib import Path

from syncflow.compiler.build import build
from syncflow.compiler.policies import RetryPolicy
from tests.compiler.projects import changed, open_project


def test_what_a_system_does_not_say_is_as_the_project_says(tmp_path: Path) -> None:
    text = changed("routes.yaml")["routes.yaml"]
    text = text.replace(
        "{adapter: crm}", "{adapter: crm, retry: {attempts: 2, age: 1h}, dead_letters: {stop_after: 5%}}", 1
    )
    text = text.replace("routes:\n", "retry: {attempts: 9, first: 2s}\ndead_letters: {stop_after: 7}\nroutes:\n", 1)
    program = build(open_project(tmp_path, {"routes.yaml": text}))
    sales, support = program.systems["sales"], program.systems["support"]
    assert (sales.retry, sales.stop_after) == (RetryPolicy(2, 2.0, 300.0, 3600.0), "5%")
    assert (support.retry, support.stop_after) == (RetryPolicy(9, 2.0, 300.0, 86400.0), 7)
