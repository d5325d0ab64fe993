"""Checks of secrets: written out, as the default of a variable, or sent over a connection that anyone can read."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from syncflow.compiler.checks.open_secrets import Held, held_secrets, password_of, secrets_in_query
from syncflow.compiler.checks.written import requests_of
from syncflow.compiler.wire.secrets import SHORTEST_SECRET
from syncflow.config.diagnostics import Diagnostic
from syncflow.config.documents import Document
from syncflow.config.models.adapter import AdapterFile
from syncflow.config.models.receivers import RECEIVERS
from syncflow.config.nodes import Path, ScalarNode, scalars
from syncflow.config.project import Project
from syncflow.config.replacements import rewritten
from syncflow.config.scalars import Unset
from syncflow.patterns import lazy_pattern

_NOT_OUTSIDE = ("localhost", "test", "example", "invalid", "local", "internal", "lan", "home.arpa")
"""Names at the end of hosts that are not of the world outside: RFC 2606, RFC 6762, RFC 8375 and everyday ones."""
_NAMED_SECRET = lazy_pattern(r"authori[sz]ation|password|passphrase|secret|token|api[-_]?key|^key$", re.IGNORECASE)
_HOLD = frozenset({"systems", "source", "sources", "journal"}) | RECEIVERS
_DEFAULT = lazy_pattern(r"\$\{([A-Za-z_][A-Za-z0-9_]*):-([^{}]+)\}")
_QUOTED = lazy_pattern(r"'([^']*)'")
_SCHEME = lazy_pattern(r"^(?:Bearer|Basic|Token|ApiKey|Klaviyo-API-Key)\s+", re.IGNORECASE)


def check_secrets(project: Project) -> Iterator[Diagnostic]:
    """Yield secrets that stand in the files of a project, and those that would travel in the open."""
    written = {path: scalar for path, scalar in scalars(project.routes.node) if path and path[0] in _HOLD}
    for name, settings in project.routes.model.systems.items():
        adapter = project.adapters[settings.adapter]
        if settings.sql is not None:
            continue
        if is_at_home(settings.base_url or adapter.model.base_url):
            continue
        for setting in secrets_of(adapter.model):
            yield from _of_setting(project, written, ("systems", name, "auth", setting), f"{name}_{setting}")
        if adapter.model.auth:
            yield from _over_http(project, name, written.get(("systems", name, "base_url")))
    for held in held_secrets(written, is_at_home=is_at_home, is_named_secret=_is_named_secret):
        yield from _written_out(project, held)
    yield from _receivers_over_http(project, written)
    for used in dict.fromkeys(system.adapter for system in project.routes.model.systems.values()):
        if project.adapters[used].model.speaks_http:
            yield from check_literals(project.adapters[used])


def is_at_home(address: str) -> bool:
    """Whether an address is this machine's or nobody's, as those of mocks and tests are."""
    host = _host(address)
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.rpartition(".")[2] in _NOT_OUTSIDE[:4]


def _is_foreign(address: str) -> bool:
    host = _host(address)
    try:
        return not ipaddress.ip_address(host).is_private
    except ValueError:
        return "." in host and not host.endswith(tuple(f".{name}" for name in _NOT_OUTSIDE))


def _host(address: str) -> str:
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
        return ""


def secrets_of(adapter: AdapterFile) -> list[str]:
    """Return the settings of an adapter's ways to sign in that are secret."""
    return sorted({name for way in adapter.auth.values() for name, kind in way.settings.items() if kind == "secret"})


def _of_setting(project: Project, written: dict[Path, ScalarNode], path: Path, variable: str) -> Iterator[Diagnostic]:
    scalar = written.get(path)
    if scalar is None or scalar.value in (None, ""):
        return
    text = str(scalar.value)
    held = Held(path, scalar, f"{path[-1]} is a secret, and", variable.upper().replace("-", "_"), text)
    yield from _written_out(project, held)
    text = "" if isinstance(scalar.value, Unset) else str(scalar.value)
    if 0 < len(text) < SHORTEST_SECRET:
        yield project.routes.report(
            "SF519",
            f"{path[-1]} is shorter than {SHORTEST_SECRET} characters, so it is not hidden where a system's words are shown",
            *path,
            severity="warning",
            hint="use a longer secret; so short a text is part of many others",
        )


def _written_out(project: Project, held: Held) -> Iterator[Diagnostic]:
    scalar, variable = held.scalar, held.variable
    raw = scalar.file.text[scalar.start.index : scalar.end.index]
    default = _DEFAULT.search(raw)
    is_part = held.secret != str(scalar.value)
    if default is not None and _tells_secret(default[2], is_part=is_part):
        message = f"the default of {default[1]} is a secret, and stands here for everyone who reads this file"
        hint, written, instead = f"write ${{{default[1]}}}, without a default", default[0], f"${{{default[1]}}}"
    elif held.secret in raw and not scalar.variables:
        message = f"{held.name} stands here for everyone who reads this file"
        elsewhere = " in its place" if is_part else f", or ${{file:/run/secrets/{variable.lower()}}}"
        hint, written, instead = f"write ${{{variable}}}{elsewhere}", held.secret, f"${{{variable}}}"
    else:
        return
    replaced = rewritten(scalar.span, raw.strip("\"'").replace(written, instead))
    yield project.routes.report("SF517", message, *held.path, severity="warning", hint=hint, replaced=replaced)


def _tells_secret(default: str, *, is_part: bool) -> bool:
    """Whether a default is a secret, or where only the password of an address is one, an address with a password."""
    if is_part:
        return not is_at_home(default) and password_of(default) != ""
    return len(default) >= SHORTEST_SECRET


def _is_named_secret(name: str) -> bool:
    return _NAMED_SECRET.search(name) is not None


def _receivers_over_http(project: Project, written: dict[Path, ScalarNode]) -> Iterator[Diagnostic]:
    for path, scalar in written.items():
        if path[0] in RECEIVERS and path[-1] == "to" and not isinstance(scalar.value, Unset):
            yield from _in_the_open(project, path, scalar, f"{path[0]} would go")


def _over_http(project: Project, name: str, scalar: ScalarNode | None) -> Iterator[Diagnostic]:
    if scalar is not None and isinstance(scalar.value, str):
        yield from _in_the_open(project, ("systems", name, "base_url"), scalar, f"{name} would send its credentials")


def _in_the_open(project: Project, path: Path, scalar: ScalarNode, what: str) -> Iterator[Diagnostic]:
    address = str(scalar.value)
    if address.startswith("http://") and _is_foreign(address):
        secure = f"https://{address.removeprefix('http://')}"
        shown = secure if path[0] == "systems" else "https://"
        yield project.routes.report(
            "SF521",
            f"{what} to {_host(address)} over http, where anyone on the way reads them",
            *path,
            severity="warning",
            hint=f"write {shown}",
            replaced=None if scalar.variables else rewritten(scalar.span, secure),
        )


def check_literals(adapter: Document[AdapterFile]) -> Iterator[Diagnostic]:
    """Yield credentials that are written into an adapter's own texts, and addresses that take them over http."""
    for path, name, text in _carried(adapter.model):
        secret = _SCHEME.sub("", text).strip()
        if _NAMED_SECRET.search(name) and "{{" not in text and "{%" not in text and len(secret) >= SHORTEST_SECRET:
            yield adapter.report(
                "SF517",
                f"{name} is a secret, and stands here for everyone who reads this file",
                *path,
                severity="warning",
                hint="declare a setting under `auth:` (`settings: {key: secret}`), and write {{ auth.key }} here",
            )
    for path, name in (*_addressed(adapter.model), *_embodied(adapter)):
        yield adapter.report(
            "SF517",
            f"{name} is a secret, and stands here for everyone who reads this file",
            *path,
            severity="warning",
            hint=f"declare a setting under `auth:` (`settings: {{{name}: secret}}`), and read auth.{name} here",
        )
    if adapter.model.auth and adapter.model.base_url.startswith("http://") and _is_foreign(adapter.model.base_url):
        secure = f"https://{adapter.model.base_url.removeprefix('http://')}"
        yield adapter.report(
            "SF521",
            f"credentials would go to {_host(adapter.model.base_url)} over http, where anyone on the way reads them",
            "base_url",
            severity="warning",
            hint=f"write {secure}",
            replaced=rewritten(adapter.span("base_url"), secure),
        )


def _carried(adapter: AdapterFile) -> Iterator[tuple[Path, str, str]]:
    """Yield every header, query parameter and form field of an adapter: its place, its name and its text."""
    named: list[tuple[Path, dict[str, Any]]] = [(("headers",), adapter.headers)]
    for way, sign_in in adapter.auth.items():
        named += [(("auth", way, "headers"), sign_in.headers), (("auth", way, "query"), sign_in.query)]
    for path, request in requests_of(adapter):
        named += [((*path, "headers"), request.headers), ((*path, "query"), request.query)]
        named += [((*path, "form"), request.form if isinstance(request.form, dict) else {})]
    for place, texts in named:
        for name, text in texts.items():
            yield (*place, name), name, str(text)


def _addressed(adapter: AdapterFile) -> Iterator[tuple[Path, str]]:
    """Yield the secrets that stand in the paths of requests, behind a question mark: the place of the path, and the secret's name."""
    for path, request in requests_of(adapter):
        method = request.method.lower()
        for name, _ in secrets_in_query(str(getattr(request, method)), _is_named_secret):
            yield (*path, method), name


def _embodied(adapter: Document[AdapterFile]) -> Iterator[tuple[Path, str]]:
    """Yield the secrets that stand in bodies as constants: the place of the constant, and its name."""
    bodies = [(*path, body) for path, _ in requests_of(adapter.model) for body in ("json", "ndjson", "csv")]
    for at, scalar in scalars(adapter.node) if bodies else ():
        words = [step for step in at if isinstance(step, str)]
        named = words[-2] if words[-1:] == ["value"] and len(words) > 1 else words[-1] if words else ""
        if not isinstance(scalar.value, str) or not _is_named_secret(named):
            continue
        quoted = _QUOTED.fullmatch(scalar.value.strip())
        text = scalar.value if words[-1] == "value" else quoted[1] if quoted else ""
        if len(text) >= SHORTEST_SECRET and not scalar.variables and any(at[: len(body)] == body for body in bodies):
            yield at, named
