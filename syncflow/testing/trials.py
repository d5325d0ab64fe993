"""Run the ``tests:`` of a project: each mapping's by itself, the routes' through the whole program, with nothing sent.

In: a checked project. Out: what each test came to, and what all of them together exercised. Prints nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from syncflow.compiler.build import build
from syncflow.config.diagnostics import Span
from syncflow.config.documents import Document
from syncflow.config.nodes import dotted
from syncflow.config.project import Project
from syncflow.errors import DataError
from syncflow.testing.compare import Mismatch, Path
from syncflow.testing.coverage import Coverage, Mark, measure
from syncflow.testing.mapping_trials import MappingTrials
from syncflow.testing.route_trials import RouteTrials


@dataclass(frozen=True, slots=True)
class Difference:
    """What a test expected and what there was instead, with the place of the expectation."""

    path: str
    expected: str
    found: str
    span: Span


@dataclass(frozen=True, slots=True)
class Result:
    """What one test came to. It passed where there is no difference; ``of`` is the file that holds it."""

    name: str
    of: str
    span: Span
    differences: tuple[Difference, ...] = ()

    @property
    def passed(self) -> bool:
        return not self.differences


@dataclass(frozen=True, slots=True)
class Report:
    """All tests that ran, in the order of the files, and their coverage."""

    results: tuple[Result, ...]
    coverage: Coverage

    @property
    def failed(self) -> tuple[Result, ...]:
        return tuple(result for result in self.results if not result.passed)


@dataclass(frozen=True, slots=True)
class _Trial:
    """A test, its place, and how it is run: it yields mismatches and adds what it exercised."""

    name: str
    document: Document[object]  # type: ignore[type-var]  # of any model
    at: Path
    run: Callable[[set[Mark]], Iterator[Mismatch]]


def run_tests(project: Project, *, named: str = "") -> Report:
    """Run the tests whose name, or whose file's path, contains ``named``, in upper or lower case.

    Raises:
        ProjectError: the project does not compile.
    """
    trials = [trial for trial in _trials(project) if _is_named(trial, named.lower())]
    exercised: set[Mark] = set()
    results = tuple(_run(trial, exercised) for trial in trials)
    return Report(results, measure(project, exercised))


def _is_named(trial: _Trial, part: str) -> bool:
    return part in trial.name.lower() or part in trial.document.name.lower()


def _trials(project: Project) -> Iterator[_Trial]:
    program = build(project)
    mappings, routes = MappingTrials(project), RouteTrials(project, program)
    for document in project.mappings.values():
        for number, test in enumerate(document.model.tests):
            yield _Trial(test.name, document, ("tests", number), mappings.trial(document, test))
    for index, route in enumerate(project.routes.model.routes):
        for number, example in enumerate(route.tests):
            at = ("routes", index, "tests", number)
            yield _Trial(example.name, project.routes, at, routes.trial(example, index))
    for number, example in enumerate(project.routes.model.tests):
        yield _Trial(example.name, project.routes, ("tests", number), routes.trial(example))


def _run(trial: _Trial, exercised: set[Mark]) -> Result:
    span = trial.document.span(*trial.at)
    try:
        found = tuple(_located(mismatch, trial) for mismatch in trial.run(exercised))
    except DataError as error:
        found = (Difference("", "a test that can be run", error.message, span),)
    return Result(trial.name, trial.document.name, span, found)


def _located(mismatch: Mismatch, trial: _Trial) -> Difference:
    span = trial.document.span(*trial.at, mismatch.of, *mismatch.path)
    path = mismatch.path if mismatch.of == "expect" else (mismatch.of, *mismatch.path)
    return Difference(dotted(path), mismatch.expected, mismatch.found, span)
