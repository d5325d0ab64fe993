"""What a person may turn: one frozen set of knobs per mocked system, from the environment or from the admin endpoint."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

FaultKind = Literal[
    "status_401", "status_423", "status_429", "status_477", "status_500", "status_502", "status_503", "status_504",
    "reset", "html", "empty", "cut", "timeout", "drip", "left_out", "lock", "invalid",
    "stranger", "job_stuck", "job_failed", "job_aborted",
]  # fmt: skip
Probability = Annotated[float, Field(ge=0, le=1)]

_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0}
_DEMO = "demo"  # everything that would be a secret elsewhere
_RATE = re.compile(r"(\d+)\s*/\s*(\d*)\s*([smh])")
_SYSTEMS = ("salesforce", "hubspot", "directory")


def parse_rate(text: str) -> tuple[int, float] | None:
    """Read ``5/s``, ``100/10s``, ``300/m`` or ``off`` as (requests, seconds); ValueError says what was expected."""
    if text.strip().lower() in {"off", "none", ""}:
        return None
    found = _RATE.fullmatch(text.strip())
    if found is None or int(found[1]) < 1 or found[2] == "0":
        raise ValueError(f"a rate is written like 5/s, 100/10s or off; found {text!r}")
    return int(found[1]), int(found[2] or 1) * _UNITS[found[3]]


class _Knobs(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Refuse(_Knobs):
    """A customer's own rule: records whose ``field`` matches are refused, one by one, with ``message``."""

    field: str
    values: list[str] | None = None
    every: Annotated[int, Field(ge=1)] | None = Field(
        None, description="refuse where the digits of the value, read as a number, are divisible by this"
    )
    pattern: str | None = Field(None, description="refuse where this regular expression is found in the value")
    object: str | None = Field(None, description="only for this object; without it, for all")
    message: str = "refused by a rule of this customer"

    @field_validator("pattern")
    @classmethod
    def _compiles(cls, pattern: str | None) -> str | None:
        if pattern is not None:
            try:
                re.compile(pattern)
            except re.error as error:
                raise ValueError(f"not a regular expression: {error}") from error
        return pattern

    @model_validator(mode="after")
    def _one_condition(self) -> Refuse:
        if sum(condition is not None for condition in (self.values, self.every, self.pattern)) != 1:
            raise ValueError("a rule has exactly one of values, every, pattern")
        return self


class SystemSettings(_Knobs):
    """The knobs that every mocked system has."""

    rate: str = Field("5/s", description="requests per sliding window, such as 5/s or 100/10s; or off")
    daily: Annotated[int, Field(ge=0)] | None = Field(
        None, description="requests in all before the daily quota is used up"
    )
    latency_ms: Annotated[float, Field(ge=0)] = 0
    faults: dict[FaultKind, Probability] = Field(default_factory=dict, description="probability of each kind, 0 to 1")
    refuse: list[Refuse] = Field(default_factory=list)
    hold_seconds: Annotated[float, Field(ge=0)] = Field(
        60, description="how long the fault timeout keeps the answer back"
    )
    drip_seconds: Annotated[float, Field(ge=0)] = Field(
        20, description="how long the fault drip takes to send an answer"
    )

    @field_validator("rate")
    @classmethod
    def _readable(cls, rate: str) -> str:
        parse_rate(rate)
        return rate

    @field_validator("refuse", mode="before")
    @classmethod
    def _listed(cls, refuse: object) -> object:
        return [refuse] if isinstance(refuse, dict) else refuse


class SalesforceSettings(SystemSettings):
    """Knobs of the mock Salesforce."""

    client_id: str = _DEMO
    client_secret: str = _DEMO
    token: str = Field(_DEMO, description="an access token that is valid without asking for one")
    session_seconds: Annotated[float, Field(gt=0)] = Field(
        7200, description="a session ends after this long without use"
    )
    job_requests: Annotated[int, Field(ge=0)] = Field(
        1, description="requests that the org answers, whichever they are, while a Bulk job is in progress"
    )
    job_batches: Annotated[int, Field(ge=0)] = Field(
        15_000, description="batches of 10,000 records that Bulk jobs may make in a day"
    )
    duplicates: list[str] = Field(
        default_factory=list,
        description="fields of which a duplicate rule lets no record be created that has another's value",
    )


class HubspotSettings(SystemSettings):
    """Knobs of the mock HubSpot."""

    token: str = Field(_DEMO, description="the token of a private app; it never expires")
    client_id: str = _DEMO
    client_secret: str = _DEMO
    refresh_token: str = _DEMO
    token_seconds: Annotated[float, Field(gt=0)] = Field(1800, description="life of a token from the OAuth endpoint")
    search_delay_ms: Annotated[float, Field(ge=0)] = Field(0, description="how far search lags behind writes")


class DirectorySettings(SystemSettings):
    """Knobs of the mock Acme Directory."""

    key: str = "demo-key"


class Settings(_Knobs):
    """All knobs. ``seed`` makes the drawing of faults and the shuffling of answers repeatable."""

    seed: int = 1
    salesforce: SalesforceSettings = SalesforceSettings()
    hubspot: HubspotSettings = HubspotSettings()
    directory: DirectorySettings = DirectorySettings()

    def changed(self, patch: Mapping[str, Any]) -> Settings:
        """These settings with ``patch`` laid over them: systems merge key by key, a key's value is replaced whole."""
        merged = self.model_dump()
        for key, value in patch.items():
            if key in _SYSTEMS and isinstance(value, Mapping):
                merged[key] = {**merged[key], **value}
            else:
                merged[key] = value
        return Settings.model_validate(merged)

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Settings:
        """Read ``MOCK_RATE``, ``MOCK_DAILY``, ``MOCK_LATENCY_MS``, ``MOCK_FAULTS`` and ``MOCK_SEED``.

        A name with the system in it (``MOCK_HUBSPOT_RATE``) is for that system alone and wins. Faults are written
        ``status_503=0.05,reset=0.01``. ValueError names what is wrong.
        """
        patch: dict[str, Any] = {"seed": env.get("MOCK_SEED") or 1}
        for system in _SYSTEMS:
            patch[system] = _from_env(env, "MOCK_") | _from_env(env, f"MOCK_{system.upper()}_")
        try:
            return cls.model_validate(patch)
        except ValidationError as error:
            raise ValueError("the settings of the mock are not valid:\n" + "\n".join(complaints(error))) from error


def complaints(error: ValidationError) -> list[str]:
    """What is wrong with settings, one line each: where, and why."""
    return [
        f"{'.'.join(map(str, each['loc']))}: {each['msg'].removeprefix('Value error, ')}" for each in error.errors()
    ]


def _from_env(env: Mapping[str, str], prefix: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key in ("rate", "daily", "latency_ms", "faults"):
        text = env.get(prefix + key.upper(), "").strip()
        if text:
            found[key] = _parse_faults(text) if key == "faults" else text
    if str(found.get("daily", "")).lower() == "off":
        found["daily"] = None
    return found


def _parse_faults(text: str) -> dict[str, str]:
    return {
        kind.strip(): share.strip()
        for kind, _, share in (part.partition("=") for part in text.split(","))
        if kind.strip()
    }
