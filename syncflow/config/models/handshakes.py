"""How a webhook proves to a sender that it wants its messages, and how senders sign in: two small settings."""

from typing import TYPE_CHECKING, Annotated, Literal, Self, TypeAlias

from pydantic import AfterValidator, Field, model_validator

from syncflow.config.models.base import Model
from syncflow.config.models.senders import WithPreset, presets_of
from syncflow.config.models.signatures import HeaderName
from syncflow.config.scalars import Boolean, Expr, Integer, Text, refuse

_PRESETS = presets_of("handshakes")
_STATUSES = (200, 201, 202, 204)

if TYPE_CHECKING:
    HandshakeName: TypeAlias = str
else:
    HandshakeName = Literal[tuple(_PRESETS)]


def _answer_status(status: int) -> int:
    if status not in _STATUSES:
        raise refuse("this is not a status that says yes", expected="200, 201, 202 or 204", code="SF206")
    return status


AnswerStatus = Annotated[Integer, AfterValidator(_answer_status), Field(json_schema_extra={"enum": list(_STATUSES)})]
"""The status of an answer that says yes."""


class WebhookHandshake(WithPreset):
    """A request that carries no event and is answered with a part of itself; expressions see its ``query``, ``headers`` and ``body``."""

    presets = _PRESETS

    preset: HandshakeName | None = None
    """A vendor whose rule is used; keys written beside it win."""
    method: Literal["GET", "POST", "OPTIONS"] = "GET"
    """The method of the request."""
    when: Expr | None = None
    """Which requests are a handshake."""
    answer: Expr | None = None
    """The text that is sent back, as plain text."""
    is_signed: Boolean = True
    """Whether a POST is checked (signature, sign-in) like any other before it is answered."""
    token: Text | None = Field(default=None, repr=False)
    """A secret that the request must hold at ``token_at``."""
    token_at: Expr | None = None
    """Where the request holds the token."""
    answer_field: Text | None = None
    """Answer with a JSON object instead, the text in this field."""
    hmac_field: Text | None = None
    """The field of that object that holds the text's HMAC (SHA-256, hex) by the signature's secret."""
    answer_headers: dict[HeaderName, Expr] = Field(default_factory=dict)
    """Headers of the answer, each an expression: ``WebHook-Allowed-Origin: headers."webhook-request-origin"``."""
    status: AnswerStatus = 200
    """The status of the answer; 204 has no body, and needs no ``answer``."""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.when is None or (self.answer is None and not self.answer_headers and self.status != 204):
            raise ValueError("expected `preset`, or both `when` and `answer`")
        if self.answer is not None and self.status == 204:
            raise ValueError("expected no `answer`: the status 204 has no body")
        if (self.token is None) != (self.token_at is None):
            raise ValueError("expected `token` and `token_at` together")
        if self.token == "":
            raise ValueError("expected a `token` of at least one character")
        if self.hmac_field is not None and self.answer_field is None:
            raise ValueError("expected `answer_field` beside `hmac_field`")
        return self


class WebhookAuth(Model):
    """Tokens or passwords, any of which lets a request in."""

    bearer: tuple[Text, ...] = Field(default=(), repr=False)
    """Tokens of ``Authorization: Bearer``."""
    basic: tuple[Text, ...] = Field(default=(), repr=False)
    """Names and passwords of ``Authorization: Basic``, each written ``name:password``."""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if not (self.bearer or self.basic):
            raise ValueError("expected `bearer` or `basic`")
        if not all(self.bearer):
            raise ValueError("expected tokens of at least one character in `bearer`")
        if not all(":" in each and not each.endswith(":") for each in self.basic):
            raise ValueError("expected entries written name:password in `basic`")
        return self
