"""All entries, each kind from where it is defined."""

from __future__ import annotations

from typing import Any

from syncflow.cli.reference import adapters, commands, keys
from syncflow.cli.reference.entry import Entry, Kind


def all_entries(root: Any) -> list[Entry]:
    """Return every entry of the reference; ``root`` is the command line as Typer builds it."""
    return [
        *keys.entries(),
        *functions(),
        *diagnostics(),
        *metrics(),
        *log_events(),
        *commands.entries(root),
        *adapters.entries(),
    ]


def functions() -> list[Entry]:
    """Return an entry for every function that expressions of every project may call."""
    from syncflow.compiler.functions import FUNCTIONS, JMESPATH_FUNCTIONS
    from syncflow.compiler.functions.describe import render_function, render_jmespath_function

    own = [
        Entry(kind=Kind.FUNCTION, name=each.name, summary=each.summary, text=_block(render_function(each)))
        for each in FUNCTIONS.values()
    ]
    of_language = [
        Entry(kind=Kind.FUNCTION, name=each.name, summary=each.summary, text=_block(render_jmespath_function(each)))
        for each in JMESPATH_FUNCTIONS.values()
        if each.name not in FUNCTIONS
    ]
    return own + of_language


def diagnostics() -> list[Entry]:
    """Return an entry for every code of a diagnostic."""
    from syncflow.config.codes import CODES

    return [Entry(kind=Kind.DIAGNOSTIC, name=code, summary=page.title, text=page.text) for code, page in CODES.items()]


def metrics() -> list[Entry]:
    """Return an entry for every metric of ``run --metrics``."""
    from syncflow.runtime.metric_names import METRICS

    found = []
    for metric in METRICS.values():
        labels = (
            f"Labels: {', '.join(f'`{label}`' for label in metric.labels)}." if metric.labels else "Without labels."
        )
        text = f"{metric.help}\n\nType: {metric.type}. {labels}"
        found.append(Entry(kind=Kind.METRIC, name=metric.exposed, summary=metric.help, text=text))
    return found


def log_events() -> list[Entry]:
    """Return an entry for every name of a log line."""
    from syncflow.cli.reference.log_events import LOG_EVENTS

    found = []
    for name, event in LOG_EVENTS.items():
        fields = f"Fields: {', '.join(f'`{field}`' for field in event.fields)}." if event.fields else "Without fields."
        text = f"{event.meaning}\n\nLevel: {event.level}. {fields}"
        found.append(Entry(kind=Kind.LOG, name=name, summary=event.meaning, text=text))
    return found


def _block(text: str) -> str:
    return f"```text\n{text.strip()}\n```"
