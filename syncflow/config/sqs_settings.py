"""What can be told of the settings of a source ``sqs`` before it is opened."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from syncflow.config.diagnostics import Diagnostic
from syncflow.config.documents import Document
from syncflow.config.models.routes import RoutesFile
from syncflow.config.models.source_sqs import SqsSource
from syncflow.patterns import lazy_pattern

_QUEUE = lazy_pattern(
    r"https?://[^/?#\s]+/[^?#\s]*[^/?#\s]\Z|arn:[\w-]+:sqs:[\w-]+:\d+:[\w-]+(\.fifo)?\Z|[\w-]{1,80}(\.fifo)?\Z"
)
_ENDPOINT = lazy_pattern(r"https?://[^/?#\s@]+/?\Z")


def check_sqs(
    routes: Document[RoutesFile], settings: SqsSource, at: tuple[str, ...], is_installed: Callable[[str], bool]
) -> Iterator[Diagnostic]:
    """Yield a missing package, addresses of something else, and half of an access key."""
    if not is_installed("boto3"):
        message, hint = "reading from SQS needs a package that is not installed", "pip install 'syncflow[sqs]'"
        yield routes.report("SF222", message, *at, at_key=True, hint=hint)
    if not _is_open(routes, settings.queue, *at, "queue") and not _QUEUE.match(settings.queue):
        expected = "a name, a URL such as https://sqs.eu-central-1.amazonaws.com/123456789012/contacts, or an ARN"
        yield routes.report("SF205", "`queue` is not written like this", *at, "queue", expected=expected)
    endpoint = settings.endpoint
    if endpoint is not None and not _is_open(routes, endpoint, *at, "endpoint") and not _ENDPOINT.match(endpoint):
        expected = "an address such as https://sqs.internal:9324"
        yield routes.report("SF205", "`endpoint` is not written like this", *at, "endpoint", expected=expected)
    if (settings.access_key is None) != (settings.secret_key is None):
        there, lacking = ("access_key", "secret_key") if settings.secret_key is None else ("secret_key", "access_key")
        message = f"`{there}` is given without `{lacking}`"
        yield routes.report("SF205", message, *at, there, at_key=True, hint=f"add `{lacking}`, or leave both out")


def _is_open(routes: Document[RoutesFile], text: str, *place: str) -> bool:
    """Whether a value is only known at run time, since a variable of it is not set."""
    return "${" in text or routes.is_unset(*place)
