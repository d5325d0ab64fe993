"""What can be told of the settings of sources that read a broker's queue, before it is asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime

from syncflow.config.diagnostics import Diagnostic
from syncflow.config.documents import Document
from syncflow.config.models.client_tls import ClientTls
from syncflow.config.models.routes import RoutesFile
from syncflow.config.models.source_nats import NatsSource
from syncflow.config.models.source_rabbitmq import RabbitmqSource
from syncflow.patterns import lazy_pattern

_AMQP = lazy_pattern(r"amqps?://[^/?#\s]+(/[^/?#\s]*)?(\?\S*)?\Z")
_NATS = lazy_pattern(r"(nats|tls)://[^/?#\s]+/?\Z")

_Place = tuple[str, ...]


def check_rabbitmq(
    routes: Document[RoutesFile], rabbitmq: RabbitmqSource, at: _Place, is_installed: Callable[[str], bool]
) -> Iterator[Diagnostic]:
    """Yield a missing package, an address of something else, and certificates that are not there or not used."""
    if not is_installed("aio_pika"):
        message, hint = (
            "reading from RabbitMQ needs a package that is not installed",
            "pip install 'syncflow[rabbitmq]'",
        )
        yield routes.report("SF222", message, *at, at_key=True, hint=hint)
    if not _is_open(routes, rabbitmq.url, *at, "url") and not _AMQP.match(rabbitmq.url):
        expected = "an address such as amqp://user:password@host:5672/vhost"
        yield routes.report("SF205", "`url` is not written like this", *at, "url", expected=expected)
    yield from _certificates(routes, rabbitmq.tls, at)
    if rabbitmq.tls is not None and rabbitmq.url.startswith("amqp://"):
        message, hint = "certificates are given, but the connection does not speak TLS", "write amqps:// in `url`"
        yield routes.report("SF205", message, *at, "tls", at_key=True, hint=hint)


def check_nats(
    routes: Document[RoutesFile], nats: NatsSource, at: _Place, is_installed: Callable[[str], bool]
) -> Iterator[Diagnostic]:
    """Yield a missing package, addresses of something else, two ways to sign in, and a start that is no time."""
    yield from _packages(routes, nats, at, is_installed)
    for index, server in enumerate(nats.addresses):
        place: tuple[str | int, ...] = (*at, "servers") if isinstance(nats.servers, str) else (*at, "servers", index)
        if not _is_open(routes, server, *place) and not _NATS.match(server):
            expected = "an address such as nats://host:4222 or tls://host:4222"
            yield routes.report("SF205", "`servers` is not written like this", *place, expected=expected)
    yield from _certificates(routes, nats.tls, at)
    yield from _sign_in(routes, nats, at)
    if not _is_open(routes, nats.start, *at, "start") and not _is_start(nats.start):
        expected = "all, new, or a time such as 2026-03-01T00:00:00Z"
        yield routes.report("SF205", "`start` is not written like this", *at, "start", expected=expected)


def _packages(
    routes: Document[RoutesFile], nats: NatsSource, at: _Place, is_installed: Callable[[str], bool]
) -> Iterator[Diagnostic]:
    if not is_installed("nats"):
        message, hint = "reading from NATS needs a package that is not installed", "pip install 'syncflow[nats]'"
        yield routes.report("SF222", message, *at, at_key=True, hint=hint)
    if nats.credentials is not None and not is_installed("cryptography"):
        message, hint = (
            "signing in by `credentials` needs a package that is not installed",
            "pip install 'syncflow[signatures]'",
        )
        yield routes.report("SF222", message, *at, "credentials", at_key=True, hint=hint)


def _sign_in(routes: Document[RoutesFile], nats: NatsSource, at: _Place) -> Iterator[Diagnostic]:
    given = [name for name in ("user", "token", "credentials") if getattr(nats, name) is not None]
    if len(given) > 1:
        message = f"`{given[0]}` and `{given[1]}` are two ways to sign in"
        yield routes.report("SF205", message, *at, given[1], at_key=True, expected="one of them")
    if (nats.user is None) != (nats.password is None):
        lacking, there = ("password", "user") if nats.password is None else ("user", "password")
        message = f"`{there}` is given without `{lacking}`"
        yield routes.report("SF205", message, *at, there, at_key=True, hint=f"add `{lacking}`")
    if nats.credentials is not None and not _is_open(routes, nats.credentials, *at, "credentials"):
        yield from _file(routes, nats.credentials, "a file (.creds or .nk), relative to this one", *at, "credentials")


def _certificates(routes: Document[RoutesFile], tls: ClientTls | None, at: _Place) -> Iterator[Diagnostic]:
    files = {} if tls is None else tls.model_dump(exclude_none=True)
    for name, file in files.items():
        if not _is_open(routes, file, *at, "tls", name):
            yield from _file(routes, file, "a file (PEM), relative to this one", *at, "tls", name)
    if tls is not None and tls.key is not None and tls.certificate is None:
        hint = "add `certificate`"
        yield routes.report("SF205", "`key` is given without `certificate`", *at, "tls", "key", at_key=True, hint=hint)


def _file(routes: Document[RoutesFile], file: str, expected: str, *place: str) -> Iterator[Diagnostic]:
    if not (routes.path.parent / file).is_file():
        yield routes.report("SF515", f"there is no file {file}", *place, expected=expected)


def _is_open(routes: Document[RoutesFile], text: str, *place: str | int) -> bool:
    """Whether a value is only known at run time, since a variable of it is not set."""
    return "${" in text or routes.is_unset(*place)


def _is_start(text: str) -> bool:
    if text in {"all", "new"}:
        return True
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True
