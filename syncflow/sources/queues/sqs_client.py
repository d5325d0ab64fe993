"""Requests to SQS, and its refusals in our own words: its texts may hold an account, an address or a key."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Protocol
from urllib.parse import urlsplit

from syncflow.config.models.source_sqs import SqsSource
from syncflow.errors import ProjectError, SyncflowError, UnavailableError
from syncflow.sources.queues.threads import in_thread

CONNECTIONS = 24

_ARN = re.compile(r"arn:[\w-]+:sqs:([\w-]+):(\d+):([\w.-]+)\Z")
_HOST = re.compile(r"(?:sqs\.([\w-]+)|([\w-]+)\.queue)\.amazonaws\.com(?:\.cn)?\Z")

POLICY = (
    '{"Effect": "Allow", "Resource": "ARN of the queue", "Action": ["sqs:ReceiveMessage", "sqs:DeleteMessage",'
    ' "sqs:ChangeMessageVisibility", "sqs:GetQueueAttributes", "sqs:GetQueueUrl"]}'
)


def name_of(queue: str) -> str:
    """Return the name in a URL, an ARN, or the name itself."""
    return re.split(r"[/:]", queue.rstrip("/"))[-1]


class Requests(Protocol):
    """A client of SQS. May be used from several tasks at once."""

    async def send(self, operation: str, **parameters: Any) -> Mapping[str, Any]:
        """Send a request about the queue and return the answer.

        Raises:
            ForbiddenError: the right to do this is missing.
            UnavailableError: there is no answer, or SQS asks to try later.
            ProjectError: a person must mend something.
        """
        ...

    async def close(self) -> None: ...


class ForbiddenError(ProjectError):
    """The right to do something is missing; there may be others."""


class SqsRequests:
    """boto3 is loaded, and the queue looked up, by the first request. Credentials of the environment are renewed by boto3 itself."""

    def __init__(self, settings: SqsSource) -> None:
        self._settings = settings
        self._client: Any = None
        self._url = ""

    async def send(self, operation: str, **parameters: Any) -> Mapping[str, Any]:
        if self._client is None:
            self._client, self._url = await in_thread(self._connected)
        return await in_thread(lambda: self._sent(operation, {"QueueUrl": self._url, **parameters}))

    def _connected(self) -> tuple[Any, str]:
        import boto3  # noqa: PLC0415  # half a second
        from botocore.config import Config  # noqa: PLC0415

        given = self._settings
        keys = {}
        if given.access_key is not None:
            keys = {"aws_access_key_id": given.access_key, "aws_secret_access_key": given.secret_key}
        config = Config(
            connect_timeout=10,
            read_timeout=given.wait + 15,
            max_pool_connections=CONNECTIONS,
            retries={"mode": "standard", "max_attempts": 3},
        )
        try:
            client = boto3.session.Session().client(
                "sqs", region_name=_region(given), endpoint_url=given.endpoint, config=config, **keys
            )
            return client, self._url_of(client)
        except Exception as error:  # noqa: BLE001  # the library raises ValueError too
            raise reworded(error, given) from None

    def _url_of(self, client: Any) -> str:
        queue = self._settings.queue
        if "://" in queue:
            return queue
        arn = _ARN.match(queue)
        owner = {"QueueOwnerAWSAccountId": arn[2]} if arn else {}
        return str(client.get_queue_url(QueueName=name_of(queue), **owner)["QueueUrl"])

    def _sent(self, operation: str, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        try:
            answer: Mapping[str, Any] = getattr(self._client, operation)(**parameters)
        except Exception as error:  # noqa: BLE001  # the library raises ValueError too
            raise reworded(error, self._settings) from None
        return answer

    async def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await in_thread(client.close)


def _region(settings: SqsSource) -> str | None:
    """Return the region that is named, or stands in the queue's ARN or URL; None: that of the environment."""
    if settings.region is not None:
        return settings.region
    if arn := _ARN.match(settings.queue):
        return arn[1]
    host = _HOST.match(urlsplit(settings.queue).hostname or "") if "://" in settings.queue else None
    return (host[1] or host[2]) if host else None


_KEYS = "check `access_key` and `secret_key`, or the credentials of the environment (`aws sts get-caller-identity`)"
_PLACE = "check `queue`, `region` and the account of the credentials"

_CODES: Mapping[str, tuple[type[SyncflowError], str, str]] = {
    **dict.fromkeys(
        ("NonExistentQueue", "QueueDoesNotExist"),
        (ProjectError, "there is no queue {queue} in this region and account", _PLACE),
    ),
    **dict.fromkeys(
        ("AccessDenied", "AccessDeniedException", "AuthorizationError"),
        (ForbiddenError, "a right to the queue {queue} is missing", f"grant by IAM, or by the queue's policy: {POLICY}"),
    ),
    **dict.fromkeys(
        ("InvalidClientTokenId", "UnrecognizedClientException", "InvalidAccessKeyId", "SignatureDoesNotMatch",
         "IncompleteSignature", "MissingAuthenticationToken", "InvalidSecurity", "OptInRequired"),
        (ProjectError, "SQS refuses the credentials", _KEYS),
    ),
    **dict.fromkeys(
        ("ExpiredToken", "ExpiredTokenException", "RequestExpired"),
        (UnavailableError, "the credentials for SQS have expired", "renew them; those of the environment are read anew"),
    ),
    "InvalidAddress": (ProjectError, "the queue {queue} is in another region", _PLACE),
    "OverLimit": (UnavailableError, "as many messages of the queue {queue} are in flight as may be", ""),
    **dict.fromkeys(
        ("KmsAccessDenied", "KMS.AccessDeniedException", "KmsDisabled", "KmsNotFound", "KmsInvalidState", "KmsOptInRequired"),
        (ProjectError, "the key that the messages are encrypted with cannot be used", "grant kms:Decrypt on the key of the queue"),
    ),
    **dict.fromkeys(
        ("RequestThrottled", "Throttling", "ThrottlingException", "KmsThrottled", "InternalError", "InternalFailure",
         "ServiceUnavailable", "500", "502", "503", "504"),
        (UnavailableError, "SQS asks to try later", ""),
    ),
}  # fmt: skip

_CLASSES: Mapping[str, tuple[type[SyncflowError], str, str]] = {
    **dict.fromkeys(
        ("NoCredentialsError", "PartialCredentialsError", "CredentialRetrievalError", "TokenRetrievalError", "SSOTokenLoadError",
         "UnauthorizedSSOTokenError", "LoginRefreshRequired"),
        (ProjectError, "there are no credentials for SQS", _KEYS),
    ),
    "ProfileNotFound": (ProjectError, "the profile of AWS that the environment names is not there", "check AWS_PROFILE"),
    **dict.fromkeys(
        ("NoRegionError", "InvalidRegionError"),
        (ProjectError, "the region of the queue is not known", "add `region: eu-central-1`"),
    ),
    "SSLError": (ProjectError, "the certificate of SQS is not trusted", "check `endpoint`, and AWS_CA_BUNDLE"),
    "ValueError": (ProjectError, "`endpoint` is no address", "write it like https://sqs.internal:9324"),
    **dict.fromkeys(
        ("EndpointConnectionError", "ConnectTimeoutError", "ConnectionError", "ProxyConnectionError"),
        (UnavailableError, "SQS cannot be reached", "check `endpoint` and `region`, and the network"),
    ),
    **dict.fromkeys(
        ("ReadTimeoutError", "ConnectionClosedError", "HTTPClientError", "ResponseStreamingError", "ResponseParserError"),
        (UnavailableError, "the connection to SQS was lost", ""),
    ),
}  # fmt: skip


def reworded(error: Exception, settings: SqsSource) -> SyncflowError:
    """Return our error for one of the library; only its code, or its class, is told."""
    code, kind = code_of(error), type(error).__name__
    known = _CODES.get(code) if code else _CLASSES.get(kind)
    queue = name_of(settings.queue)
    if known is None and code and _status_of(error) >= 500:
        known = _CODES["503"]
    if known is None:
        return ProjectError(f"SQS refused a request about the queue {queue} ({code or kind})", hint=_PLACE)
    make, words, hint = known
    return make(words.format(queue=queue), hint=hint)


def code_of(error: Exception) -> str:
    """Return the code of an answer, without the name of the service; empty where there was none."""
    response = getattr(error, "response", None)
    if not isinstance(response, Mapping):
        return ""
    return str(response.get("Error", {}).get("Code", "")).rpartition("#")[2].removeprefix("AWS.SimpleQueueService.")


def _status_of(error: Exception) -> int:
    response = getattr(error, "response", None) or {}
    return int(response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
