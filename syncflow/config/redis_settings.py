"""What can be told of the settings of a source ``redis`` before it is opened."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from syncflow.config.diagnostics import Diagnostic
from syncflow.config.documents import Document
from syncflow.config.models.routes import RoutesFile
from syncflow.config.models.source_redis import RedisSource
from syncflow.patterns import lazy_pattern

_ADDRESS = lazy_pattern(r"rediss?://[^/?#\s]+(/\d*)?(\?\S*)?\Z|unix://\S+\Z")


def check_redis(
    routes: Document[RoutesFile], settings: RedisSource, at: tuple[str, ...], is_installed: Callable[[str], bool]
) -> Iterator[Diagnostic]:
    """Yield a missing package, an address of something else, and certificates for a connection without TLS."""
    if not is_installed("redis"):
        message, hint = "reading from Redis needs a package that is not installed", "pip install 'syncflow[redis]'"
        yield routes.report("SF222", message, *at, at_key=True, hint=hint)
    if "${" in settings.url or routes.is_unset(*at, "url"):
        return
    if not _ADDRESS.match(settings.url):
        expected, hint = (
            "an address such as redis://user:password@host:6379/0",
            "signs such as @ or / in a password are written %40, %2F",
        )
        yield routes.report("SF205", "`url` is not written like this", *at, "url", expected=expected, hint=hint)
    elif settings.tls is not None and not settings.url.startswith("rediss://"):
        message, hint = "`tls` is for a connection over TLS", "write rediss:// in `url`"
        yield routes.report("SF205", message, *at, "tls", at_key=True, hint=hint)
