"""What can be told of ``traces:`` before a run, and whether anything asks for traces at all."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from syncflow.config.diagnostics import Diagnostic, did_you_mean, one_of
from syncflow.config.documents import Document
from syncflow.config.installed import is_installed
from syncflow.config.models.routes import RoutesFile

MODULE = "opentelemetry.exporter.otlp.proto.http"
HINT = "pip install 'syncflow[otel]'"
_ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")


def has_traces(*, is_installed: Callable[[str], bool] = is_installed) -> bool:
    """Whether the packages are there that make traces."""
    parts = MODULE.split(".")
    return all(is_installed(".".join(parts[: length + 1])) for length in range(len(parts))) and is_installed(
        "opentelemetry.sdk"
    )


def check_traces(
    routes: Document[RoutesFile], *, is_installed: Callable[[str], bool] = is_installed
) -> Iterator[Diagnostic]:
    """Yield a missing package, and systems that are not there."""
    settings = routes.model.traces
    if settings is None:
        return
    if not has_traces(is_installed=is_installed):
        message = "traces need packages that are not installed"
        yield routes.report("SF222", message, "traces", at_key=True, hint=HINT)
    systems = list(routes.model.systems)
    for index, name in enumerate(settings.propagate):
        if name not in systems:
            yield routes.report(
                "SF401",
                f"there is no system `{name}`",
                *("traces", "propagate", index),
                expected=one_of(systems),
                suggestion=did_you_mean(name, systems),
            )


def are_wanted(routes: RoutesFile, environment: Mapping[str, str]) -> bool:
    """Whether ``traces:`` or the variables of OpenTelemetry ask for traces; OTEL_SDK_DISABLED and OTEL_TRACES_EXPORTER=none forbid them."""
    if environment.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return False
    if environment.get("OTEL_TRACES_EXPORTER", "").strip().lower() == "none":
        return False
    return routes.traces is not None or any(environment.get(name) for name in _ENDPOINTS)
