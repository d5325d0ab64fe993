"""Checks of ``alerts:``: causes that this project never has, settings of causes that are not told, receivers that get all twice."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

from syncflow.config.diagnostics import Diagnostic
from syncflow.config.models.alerts import AlertSettings
from syncflow.config.project import Project

_SLACK: Final = "hooks.slack.com"
_OF_CAUSES: Final = ("parked", "lag")
"""Causes with a setting of their own, which is called as they are."""


def check_alerts(project: Project) -> Iterator[Diagnostic]:
    """Yield what is asked of a receiver and never comes."""
    receivers = project.routes.model.alerts
    for index, receiver in enumerate(receivers):
        yield from _never(project, receiver, index)
        yield from _untold(project, receiver, index)
        yield from _of_slack(project, receiver, index)
        yield from _twice(project, receivers[:index], receiver, index)


def _never(project: Project, receiver: AlertSettings, index: int) -> Iterator[Diagnostic]:
    if "causes" not in receiver.model_fields_set:
        return
    sources = [source for source in project.routes.model.all_sources.values() if source is not None]
    guarded = any(source.rows is not None or source.postgres is not None for source in sources)
    timed = any(source.mysql is not None for source in sources)
    why = {} if guarded else {"guard": "no source of this project compares rows, so that no guard stops anything"}
    why |= {} if timed else {"lag": "no source of this project knows how old the event is that it reads next"}
    for place, cause in enumerate(receiver.causes):
        if cause in why:
            yield _idle(project, why[cause], index, "causes", place)


def _untold(project: Project, receiver: AlertSettings, index: int) -> Iterator[Diagnostic]:
    for name in _OF_CAUSES:
        if name in receiver.model_fields_set and name not in receiver.causes:
            yield _idle(project, f"`{name}` is not among the causes that are told", index, name)


def _of_slack(project: Project, receiver: AlertSettings, index: int) -> Iterator[Diagnostic]:
    if receiver.shape == "json" and urlsplit(receiver.to).hostname == _SLACK:
        yield project.routes.report(
            "SF209",
            "Slack refuses every alert of this shape: it takes a text, and nothing else",
            *("alerts", index, "as" if "shape" in receiver.model_fields_set else "to"),
            severity="warning",
            hint="with `as: slack` it is sent as Slack takes it",
        )


def _twice(
    project: Project, before: tuple[AlertSettings, ...], receiver: AlertSettings, index: int
) -> Iterator[Diagnostic]:
    for earlier, other in enumerate(before):
        both = [cause for cause in receiver.causes if cause in other.causes]
        if other.to == receiver.to and both and not project.routes.is_unset("alerts", index, "to"):
            line = project.routes.span("alerts", earlier, "to").line
            message = f"the receiver in line {line} has the same address: it is told of {', '.join(both)} twice"
            yield project.routes.report(
                "SF209", message, "alerts", index, "to", severity="warning", hint="take one out"
            )
            return


def _idle(project: Project, why: str, index: int, *path: str | int) -> Diagnostic:
    message = f"this changes nothing: {why}"
    return project.routes.report(
        "SF518", message, "alerts", index, *path, severity="warning", at_key=True, hint="take it out"
    )
