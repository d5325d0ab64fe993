"""An alert as the body of a request."""

from __future__ import annotations

from datetime import UTC, datetime

import orjson

from syncflow.runtime.alerts.causes import Cause
from syncflow.runtime.alerts.told import Alert
from syncflow.runtime.run_name import RunName

SAMPLE = Alert("began", Cause("test", "sample", "this is a test: nothing is wrong. `syncflow alerts test` sent it."))


def body_of(alert: Alert, shape: str, *, project: str, name: RunName, at: float) -> bytes:
    """Return the JSON that a receiver gets; ``at`` is in wall seconds."""
    if shape == "slack":
        return orjson.dumps({"text": _escaped(f"{_mark(alert)} *{project}*: {_said(alert)}")})
    return orjson.dumps(
        {
            "alert": alert.cause.kind,
            "state": alert.state,
            "subject": alert.cause.subject,
            "text": _said(alert),
            "count": alert.cause.count,
            "project": project,
            "run": name.run,
            "worker": name.worker,
            "at": datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        }
    )


def _said(alert: Alert) -> str:
    if alert.state != "over":
        return alert.cause.words
    subject = f" ({alert.cause.subject})" if alert.cause.subject else ""
    return f"over: {_OVER.get(alert.cause.kind, alert.cause.kind)}{subject}"


_OVER = {
    "stopped": "the system is sent to again",
    "parked": "the system answers again",
    "lag": "the source has caught up",
    "dead_letters": "no dead letter is open",
}


def _mark(alert: Alert) -> str:
    return ":white_check_mark:" if alert.state == "over" else ":rotating_light:"


def _escaped(text: str) -> str:
    """Slack reads these three; nothing else of a text is a command there."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
