"""A system's settings held against what its adapter asks for: options, the way to sign in, the address, limits."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple
from urllib.parse import urlsplit

from syncflow.compiler.wire.adapter_expressions import Step
from syncflow.config.diagnostics import did_you_mean
from syncflow.config.installed import is_installed
from syncflow.config.models.adapter import AdapterFile, Limit, Option
from syncflow.config.models.routes import SystemSettings
from syncflow.config.models.sign_in import SignIn
from syncflow.config.scalars import Rate, Written, resolve
from syncflow.events import Json

DEFAULT_IN_FLIGHT = 4
LONG_WINDOW_SECONDS = 3600
"""Windows from this length on are those of which a system may `reserve` a share."""


class Complaint(NamedTuple):
    """Something wrong with a system's settings; ``path`` is counted from the system."""

    code: str
    path: tuple[Step, ...]
    message: str
    hint: str = ""


def read_options(adapter: AdapterFile, settings: SystemSettings) -> tuple[dict[str, Json], list[Complaint]]:
    """Return the options with the adapter's defaults filled in."""
    complaints = [
        _unknown("option", name, adapter.options, ("options", name))
        for name in settings.options
        if name not in adapter.options
    ]
    values: dict[str, Json] = {}
    for name, option in adapter.options.items():
        value = read_option(option, settings.options.get(name, option.default))
        if value in (None, "") and option.default is not None and name in settings.options:
            value = read_option(option, option.default)  # `${VARIABLE:-}` of a variable that is not set
        wrong = wrong_option(name, option, value)
        if wrong and (value is None or name in settings.options):  # a wrong default is the adapter's own fault
            complaints.append(Complaint("SF512", ("options", name), wrong))
        values[name] = value
    return values, complaints


def read_option(option: Option, written: Written) -> Json:
    """Return the value of an option as its type reads it: where text is meant, a scalar is what stands there."""
    value = resolve(written)
    if option.type != "text" or value is None or isinstance(value, list | dict):
        return value
    return str(written) if isinstance(written, str) else str(value)


def wrong_option(name: str, option: Option, value: Json) -> str:
    """Return why an option cannot have a value, or an empty text."""
    if value is None:
        return f"the adapter needs the option {name}"
    fits = {"text": str, "integer": int, "boolean": bool, "list": list, "map": dict}[option.type]
    if not isinstance(value, fits) or (option.type != "boolean" and isinstance(value, bool)):
        return f"expected {option.type} for the option {name}"
    if option.options is not None and isinstance(value, list):
        wrong = [str(one) for one in value if str(one) not in option.options]
        if wrong:
            return f"expected some of {', '.join(option.options)} for the option {name}, found {', '.join(wrong)}"
    elif option.options is not None and str(value) not in option.options:
        return f"expected one of {', '.join(option.options)} for the option {name}, found {value}"
    return ""


def _unknown(kind: str, name: str, known: Mapping[str, object], path: tuple[Step, ...]) -> Complaint:
    close = did_you_mean(name, known)
    hint = f"did you mean {close}?" if close else f"there is {', '.join(known) or 'none'}"
    return Complaint("SF511", path, f"the adapter has no {kind} {name}", hint)


def choose_sign_in(adapter: AdapterFile, settings: SystemSettings) -> tuple[str, dict[str, Json], list[Complaint]]:
    """Return the name of the way to sign in, and its settings: what ``use`` names, else what takes them."""
    given: dict[str, Json] = {name: value for name, value in settings.auth.items() if name != "use"}
    wanted = settings.auth.get("use")
    if not adapter.auth:
        return "", given, [_unknown("setting for signing in", name, {}, ("auth", name)) for name in given]
    if wanted is not None and wanted not in adapter.auth:
        return "", given, [_unknown("way to sign in", str(wanted), adapter.auth, ("auth", "use"))]
    ways = {str(wanted): adapter.auth[str(wanted)]} if wanted is not None else adapter.auth
    for name, way in ways.items():
        if set(way.settings) == set(given):
            return name, given, []
    for name, way in ways.items():
        by_person = way.settings.keys() & (way.consent.gives if way.consent is not None else {})
        if by_person and way.settings.keys() - by_person <= given.keys() <= way.settings.keys():
            return name, {**dict.fromkeys(sorted(by_person), ""), **given}, []
    return "", given, [_no_way(ways, given)]


def unsignable(
    adapter: AdapterFile, way: str, *, is_installed: Callable[[str], bool] = is_installed
) -> list[Complaint]:
    """Complain of a way to sign in by an assertion or a signature that nothing here can make."""
    chosen = adapter.auth[way] if way else SignIn()
    token = chosen.token
    needs = (
        (token is not None and token.jwt is not None, "jwt", "jwt", "with a JWT"),
        (chosen.aws is not None, "botocore", "aws", "by a signature of AWS"),
        (chosen.oauth1 is not None, "oauthlib", "oauth1", "by OAuth 1.0a"),
    )
    return [
        Complaint(
            "SF222",
            ("auth",),
            f"signing in {words} needs a package that is not installed",
            f"pip install 'syncflow[{extra}]'",
        )
        for is_so, package, extra, words in needs
        if is_so and not is_installed(package)
    ]


def _no_way(ways: Mapping[str, SignIn], given: Mapping[str, Json]) -> Complaint:
    closest = max(ways.values(), key=lambda way: len(set(way.settings) & set(given)))
    missing = [name for name in _to_give(closest) if name not in given]
    extra = [name for name in given if name not in closest.settings]
    offered = " or ".join(f"{{{', '.join(_to_give(way))}}}" for way in ways.values())
    message = f"signing in lacks {', '.join(missing)}" if missing else f"signing in does not take {', '.join(extra)}"
    return Complaint("SF513", ("auth",), message, f"the adapter takes {offered}")


def _to_give(way: SignIn) -> list[str]:
    """Return the settings that a system must give: not those that a person's sign-in gives."""
    return [name for name in way.settings if way.consent is None or name not in way.consent.gives]


def wrong_address(url: str) -> str:
    """Return what is wrong with a base URL, or an empty text."""
    try:
        parts = urlsplit(url)
        host = parts.hostname
        _ = parts.port
    except ValueError:
        return "the base URL cannot be read"
    if any(character.isspace() for character in url):
        return "the base URL must not have a blank in it"
    if parts.scheme not in {"http", "https"} or not host:
        return "the base URL must begin with https:// (or http://) and name a host"
    if parts.username or parts.password:
        return "the base URL must not hold credentials; they belong under auth:"
    return "the base URL must not have a query or a fragment" if parts.query or parts.fragment else ""


def tightest_in_flight(limits: Iterable[Limit], own: int | None) -> int:
    """Return how many requests may be in flight: the least that anyone says."""
    said = [limit.in_flight for limit in limits if limit.in_flight is not None]
    return min([*said, *([own] if own is not None else [])], default=DEFAULT_IN_FLIGHT)


def whole_window(rate: Rate) -> tuple[int, float]:
    """Return a rate as a whole count within seconds: 2.5/s is 2 in 0.8 s, 0.5/s is 1 in 2 s."""
    count = max(1, math.floor(rate.count))
    return count, rate.per_seconds * count / rate.count
