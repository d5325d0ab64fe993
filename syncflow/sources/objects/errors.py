"""The errors of object stores in our own words, told by their status and code: messages of the library hold addresses and answers."""

from __future__ import annotations

import re
from collections.abc import Mapping

from syncflow.errors import ProjectError, SyncflowError, UnavailableError

_SIGN_IN = "check `access_key` and `secret_key`, or the variables of the environment (AWS_ACCESS_KEY_ID …)"
_REGION = ("the bucket is in another region", "set `region` to that of the bucket")
_NO_BUCKET = ("there is no such bucket", "check `url`, and `endpoint` where it is given")
_NO_RIGHT = (
    "access is denied",
    "the key needs the right to list the bucket and to get its objects (s3:ListBucket, s3:GetObject)",
)
_NO_KEY = ("the access key is not known there", _SIGN_IN)
_BAD_SECRET = ("the signature is refused: the secret does not belong to the key", _SIGN_IN)
_EXPIRED = ("the credentials have expired", "sign in again, or give a key that lasts")
_CLOCK = ("the clock of this machine is wrong, so that signatures are refused", "set the clock")
_NOT_SIGNED_IN = ("signing in is refused", _SIGN_IN)

_WORDS: Mapping[str, tuple[str, str]] = {
    "NoSuchBucket": _NO_BUCKET,
    "ContainerNotFound": _NO_BUCKET,
    "InvalidBucketName": ("this is no name of a bucket", "check `url`"),
    "AccessDenied": _NO_RIGHT,
    "AllAccessDisabled": _NO_RIGHT,
    "AuthorizationFailure": _NO_RIGHT,
    "AuthorizationPermissionMismatch": _NO_RIGHT,
    "PublicAccessNotPermitted": _NO_RIGHT,
    "InvalidAccessKeyId": _NO_KEY,
    "SignatureDoesNotMatch": _BAD_SECRET,
    "ExpiredToken": _EXPIRED,
    "InvalidToken": _EXPIRED,
    "RequestTimeTooSkewed": _CLOCK,
    "AuthenticationFailed": _NOT_SIGNED_IN,
    "InvalidAuthenticationInfo": _NOT_SIGNED_IN,
    "NoAuthenticationInformation": _NOT_SIGNED_IN,
    "AuthorizationHeaderMalformed": _REGION,
    "PermanentRedirect": _REGION,
    "IllegalLocationConstraintException": _REGION,
}
"""Codes of S3 and Azure."""

_NO_CREDENTIALS = ("no credentials were found", _SIGN_IN)
_NO_ACCOUNT = ("the name of the storage account is missing", "write options: {account_name: …}")
_NO_ADDRESS = ("`endpoint` is no address", "write it with its scheme: https://s3.example.com")
_NOT_TRUSTED = (
    "the certificate of the server is not trusted",
    "check `endpoint`, or have the certificate signed by an authority that this machine trusts",
)
_BAD_OPTION = (
    "a value in `options` is none that the client library takes",
    "times are written 30s, switches true or false",
)
_BAD_CREDENTIALS = ("the credentials cannot be read", _SIGN_IN)
_BY_TEXT: tuple[tuple[str, tuple[str, str]], ...] = (
    (r"169\.254\.169\.254|169\.254\.170\.2|metadata\.google\.internal|metadata server", _NO_CREDENTIALS),
    (r"redirect without LOCATION", _REGION),
    (r"Account must be specified", _NO_ACCOUNT),
    (r"specified bucket does not exist", _NO_BUCKET),
    (r"relative URL without a base|builder error|invalid (URL|uri|port|domain)", _NO_ADDRESS),
    (r"Config error|failed to parse .* as ", _BAD_OPTION),
    (r"Generic GCS error.*(private key|credential|Error decoding|service account)", _BAD_CREDENTIALS),
    (r"UnknownIssuer|invalid peer certificate", _NOT_TRUSTED),
)
"""Errors without a code, by the words of the library."""

_ELSEWHERE: Mapping[str, Mapping[str, str]] = {
    "gs": {
        _SIGN_IN: "check `options` (service_account …), or GOOGLE_APPLICATION_CREDENTIALS of the environment",
        _NO_RIGHT[1]: "the account needs the role Storage Object Viewer for the bucket",
    },
    "az": {
        _SIGN_IN: "check `options` (account_name, account_key …), or the variables of the environment (AZURE_STORAGE_ACCOUNT_KEY …)",
        _NO_RIGHT[1]: "the account needs the role Storage Blob Data Reader for the container",
    },
}
"""Hints for other providers than Amazon."""

_CODE = re.compile(r"<Code>(\w+)</Code>|[\"']code[\"']: ?\\?[\"'](\w+)")
_STATUS = re.compile(r"status(?: code)?: (\d{3})")
_OF_LIBRARY: Mapping[str, tuple[str, str]] = {
    "InvalidPathError": (
        "an object there has a name with an empty part, `.`, `..`, a control character or none of Unicode: no other can be listed",
        "rename it, or narrow `url` so that it is not below it",
    ),
    "UnknownConfigurationKeyError": (
        "`options` holds a name that the client library does not know",
        "the names are those of obstore, such as skip_signature",
    ),
}
"""Errors by the names of their classes."""


def reworded(error: BaseException, *, place: str) -> SyncflowError:
    """Return a library's error in our words: a ProjectError if the user can mend it, an UnavailableError if it may pass.

    ``place``: the address, without credentials.
    """
    text = str(error)
    if found := _of_library(error):
        return ProjectError(f"{place}: {found[0]}", hint=found[1])
    if place.startswith("file:"):
        return _of_folder(error, text, place=place)
    words, hint = _kind(error, text)
    if words:
        return ProjectError(f"{place}: {words}", hint=_of_provider(hint, place))
    status = _status(text)
    if status and 400 <= status < 500 and status not in {408, 425, 429}:
        return ProjectError(
            f"{place}: the request is refused with status {status}", hint="check `url`, `endpoint` and `region`"
        )
    named = f" (status {status})" if status else ""
    return UnavailableError(f"{place} does not answer{named}", hint="check `endpoint` and `region`, and the network")


def is_beyond_end(error: BaseException) -> bool:
    """Whether a range was refused because the object ends before it: who asked knew a longer version."""
    return _status(str(error)) == 416


def _of_library(error: BaseException) -> tuple[str, str] | None:
    """Return the words for what the library itself cannot deal with."""
    if not isinstance(error, Exception):
        return ("the client library fails without a reason", "check `options`: the names are those of obstore")
    return _OF_LIBRARY.get(type(error).__name__)


def _of_folder(error: BaseException, text: str, *, place: str) -> SyncflowError:
    if "File system loop" in text:
        return ProjectError(f"{place}: a link in it leads to a folder above", hint="remove the link, or narrow `url`")
    if isinstance(error, PermissionError) or "PermissionDenied" in text or "Permission denied" in text:
        hint = "let the user that runs syncflow read the folder and its files"
        return ProjectError(f"{place}: it may not be read", hint=hint)
    return UnavailableError(f"{place} cannot be read", hint="check the disk")


def _kind(error: BaseException, text: str) -> tuple[str, str]:
    code = next((found[1] or found[2] for found in _CODE.finditer(text)), "")
    if code in _WORDS:
        return _WORDS[code]
    for pattern, words in _BY_TEXT:
        if re.search(pattern, text):
            return words
    name, status = type(error).__name__, _status(text)
    if name in {"PermissionError", "PermissionDeniedError"} or status == 403:
        return _NO_RIGHT
    if name == "UnauthenticatedError" or status == 401:
        return _NOT_SIGNED_IN
    return ("", "")


def _of_provider(hint: str, place: str) -> str:
    """Return a hint in the words of the provider that an address is of; it is written in those of S3."""
    return _ELSEWHERE.get(place.partition("://")[0], {}).get(hint, hint)


def _status(text: str) -> int | None:
    found = _STATUS.search(text)
    return int(found[1]) if found else None
