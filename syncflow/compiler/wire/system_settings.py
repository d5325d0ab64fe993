"""What a system's settings say of its adapter: options, a way to sign in, an address, certificates.

In: ``AdapterFile`` and ``SystemSettings``, with the places of both. Out: ``Given``, and what is wrong with the settings.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple, Protocol

from syncflow.compiler.wire.adapter_expressions import AdapterExpressions, Compiled, Problem, Step
from syncflow.compiler.wire.settings import Complaint, choose_sign_in, read_options, unsignable, wrong_address
from syncflow.compiler.wire.visible_names import visible_names_of
from syncflow.config.diagnostics import Diagnostic, Span
from syncflow.config.models.adapter import AdapterFile
from syncflow.config.models.routes import SystemSettings
from syncflow.errors import DataError
from syncflow.events import Json


class AdapterDocument(Protocol):
    """An adapter file as the loader hands it out: its model, and the places in its text."""

    @property
    def path(self) -> Path: ...

    @property
    def model(self) -> AdapterFile: ...

    def span(self, *path: Step) -> Span: ...


class RoutesDocument(Protocol):
    """``routes.yaml`` as the loader hands it out."""

    @property
    def path(self) -> Path: ...

    def span(self, *path: Step) -> Span: ...

    def is_unset(self, *path: Step) -> bool: ...


class Tls(NamedTuple):
    """Files of certificates (PEM): whom to believe besides the machine's own, and who we are."""

    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None


def check_settings_of(
    name: str, settings: SystemSettings, adapter: AdapterDocument, *, routes: RoutesDocument
) -> list[Diagnostic]:
    """Return what is wrong with a system's settings, of an adapter that is known to be right: nothing of it is compiled."""
    texts = texts_of(adapter)
    complaints = read_settings(name, settings, adapter, texts, routes).complaints
    return [*adapter_diagnostics(adapter, texts.problems), *settings_diagnostics(name, complaints, adapter, routes)]


class Given(NamedTuple):
    """What a system's settings say of its adapter, and what is wrong with them."""

    settings: SystemSettings
    options: dict[str, Json]
    way: str
    auth: dict[str, Json]
    base_url: str
    tls: Tls
    complaints: list[Complaint]


def read_settings(
    name: str,
    settings: SystemSettings,
    adapter: AdapterDocument,
    texts: AdapterExpressions,
    routes: RoutesDocument | None,
) -> Given:
    model, settings = adapter.model, _without_unset(name, settings, routes)
    options, complaints = read_options(model, settings)
    way, auth, unsigned = choose_sign_in(model, settings)
    complaints += [*unsigned, *unsignable(model, way)]
    base_url = _base_url(settings, texts, model, options, complaints)
    return Given(settings, options, way, auth, base_url, _tls(settings, routes, complaints), complaints)


def texts_of(adapter: AdapterDocument, compiled: Compiled | None = None) -> AdapterExpressions:
    settings = [name for way in adapter.model.auth.values() for name in way.settings]
    return AdapterExpressions(
        adapter, visible_names_of(adapter.model.options, settings, tuple(adapter.model.tables)), compiled
    )


def _base_url(
    settings: SystemSettings,
    texts: AdapterExpressions,
    model: AdapterFile,
    options: dict[str, Json],
    complaints: list[Complaint],
) -> str:
    """Return the address of a system; what is wrong is said where it is written, in the system's settings or in the adapter."""
    if settings.base_url is None:
        return own_address(model, texts, options)
    render = texts.template(settings.base_url, "base_url", sees=texts.sight.options)
    try:
        url = render({"options": options}).rstrip("/")
    except DataError as error:
        complaints.append(Complaint("SF514", ("base_url",), f"the base URL cannot be made: {error.message}"))
        return ""
    wrong = wrong_address(url)
    if wrong:
        complaints.append(Complaint("SF514", ("base_url",), wrong))
    return url


def own_address(model: AdapterFile, texts: AdapterExpressions, options: Mapping[str, Json]) -> str:
    """Return the adapter's own address; it is not looked at where it needs an option that is not given, which is said elsewhere."""
    before = len(texts.problems)
    render = texts.template(model.base_url, "base_url", sees=texts.sight.options)
    if len(texts.problems) > before:
        return ""
    try:
        url = render({"options": {name: value for name, value in options.items() if value is not None}}).rstrip("/")
    except DataError as error:
        if all(value is not None for value in options.values()):
            texts.wrong(("base_url",), f"the base URL cannot be made: {error.message}")
        return ""
    wrong = wrong_address(url)
    if wrong:
        texts.wrong(("base_url",), wrong, hint="such as https://api.example.com")
    return url


def _tls(settings: SystemSettings, routes: RoutesDocument | None, complaints: list[Complaint]) -> Tls:
    """Return the files of certificates, relative to ``routes.yaml``; note what is not there."""
    base = Path() if routes is None else routes.path.parent
    written = {name: getattr(settings.tls, name) for name in ("ca", "certificate", "key")}
    given = {name: base / value for name, value in written.items() if value is not None}
    complaints += [
        Complaint("SF515", ("tls", name), f"there is no file {path.name}")
        for name, path in given.items()
        if not path.is_file()
    ]
    if "key" in given and "certificate" not in given:
        complaints.append(Complaint("SF515", ("tls", "key"), "a key needs a certificate beside it"))
    return Tls(**given)


def adapter_diagnostics(adapter: AdapterDocument, problems: Iterable[Problem]) -> list[Diagnostic]:
    found = []
    for problem in problems:
        span = adapter.span(*problem.path)
        place = span if problem.offset is None else span.at(problem.offset)
        code = "SF501" if problem.offset is not None else "SF502"
        found.append(Diagnostic(code, place, problem.message, hint=problem.hint))
    return found


def settings_diagnostics(
    name: str, complaints: Iterable[Complaint], adapter: AdapterDocument, routes: RoutesDocument | None
) -> list[Diagnostic]:
    def span(path: tuple[Step, ...]) -> Span:
        return adapter.span() if routes is None else routes.span("systems", name, *path)

    return [
        Diagnostic(complaint.code, span(complaint.path), f"{name}: {complaint.message}", hint=complaint.hint)
        for complaint in complaints
        if routes is None or not routes.is_unset("systems", name, *complaint.path)
    ]


def _without_unset(name: str, settings: SystemSettings, routes: RoutesDocument | None) -> SystemSettings:
    """Leave out options that stand for variables which are not set, where files are checked without an environment."""
    if routes is None:
        return settings
    given = {
        option: value
        for option, value in settings.options.items()
        if not routes.is_unset("systems", name, "options", option)
    }
    return settings.model_copy(update={"options": given})
