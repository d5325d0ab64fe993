"""``alerts:`` of ``routes.yaml``: who is told when something is wrong."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import Field

from syncflow.config.models.base import Model
from syncflow.config.models.receivers import WebAddress
from syncflow.config.scalars import Duration, Text

AlertCause = Literal["dead_letters", "stopped", "parked", "lag", "guard", "error"]


class AlertSettings(Model):
    """One receiver of alerts."""

    to: Annotated[WebAddress, Field(repr=False)]
    """Where alerts are posted, as JSON: https://hooks.slack.com/services/…. Secret: it is shown nowhere but its host."""
    shape: Annotated[Literal["json", "slack"], Field(alias="as")] = "json"
    """``slack``: what Slack, Mattermost and Rocket.Chat take; ``json``: one object with every field."""
    causes: Annotated[tuple[AlertCause, ...], Field(min_length=1)] = get_args(AlertCause)
    """What is told: ``dead_letters`` that are open, a system that ``stopped`` or does not answer (``parked``), a source that
    lags (``lag``), a pass or a route that a guard stopped (``guard``), a run that ended with an error (``error``). Default: all."""
    every: Duration = 3600.0
    """A cause that goes on is told again after this time; that it is over is told once."""
    parked: Duration = 300.0
    """How long a system must not answer before that is told."""
    lag: Duration = 900.0
    """How old the event may be that was read last before that is told, where a source knows."""
    headers: dict[Text, Text] = Field(default_factory=dict, repr=False)
    """Further headers of the request, such as Authorization. Secret."""
