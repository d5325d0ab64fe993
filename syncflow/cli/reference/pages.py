"""The reference as Markdown pages: one for each kind of file and each adapter, and one each for diagnostics, metrics and commands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from syncflow.cli.reference import adapters, commands, entries, keys
from syncflow.cli.reference.entry import Entry
from syncflow.cli.reference.keys import FILES, Row, Table
from syncflow.cli.reference.log_events import LOG_EVENTS
from syncflow.runtime.export.columns import JOURNAL, TABLES, Column, columns_of

_HEAD = "<!-- Made by `syncflow docs --write`: change what it is made from. -->\n"
_TITLES = {
    "routes": "Keys of the routes file",
    "mapping": "Keys of a mapping",
    "schema": "Keys of a schema",
    "object": "Keys of an object",
    "adapter": "Keys of an adapter",
}


def pages(root: Any) -> dict[str, str]:
    """Return the name of each page → its Markdown; ``root`` is the command line as Typer builds it."""
    found = {f"{file}.md": _keys_page(file) for file in FILES}
    found["diagnostics.md"] = _page("Diagnostics", _DIAGNOSTICS, entries.diagnostics())
    found["metrics.md"] = _metrics_page()
    found["logs.md"] = _logs_page()
    found["export.md"] = _export_page()
    found["commands.md"] = _page("Commands", _COMMANDS, commands.entries(root))
    found["adapters.md"] = f"{_HEAD}\n# Adapters\n\n{_ADAPTERS}\n\n{adapters.overview()}\n"
    each = {f"adapters/{name}.md": f"{_HEAD}\n# `{name}`\n\n{text}\n" for name, text in adapters.pages().items()}
    return {"README.md": _index(found)} | found | each


_DIAGNOSTICS = "Every code that `syncflow validate` may show; `syncflow validate --explain SF310` prints one of them."
_COMMANDS = "Every command with its options, as `syncflow COMMAND --help` shows them."
_ADAPTERS = """The adapters that come with syncflow. Each page says how a system begins, what it may set, which objects and fields there
are, what proves that a record was taken, and what refusals mean. An API that is not here takes a page of YAML: see
[your first adapter](../your-first-adapter.md)."""


_LOGS = """`syncflow run --log-format json` writes each as one JSON object on one line, to standard error. Every line has `at` (ISO
8601, UTC), `level`, `event` (its name), `run` and `worker`: the run's id, as in `status` and on `/metrics`, and
`SYNCFLOW_WORKER`, else machine and process. The fields of an event are listed; those of one line may be fewer. `repeated` says how often
the same came before without being written.
No line holds a record's id, key or value, nor a secret."""


_EXPORT = """The columns of `syncflow export` ([page](../export.md)). Later versions may add columns; none is renamed, retyped or
taken away.

| type | JSON lines | CSV | Parquet | database |
|---|---|---|---|---|
| integer | number | digits | BIGINT | bigint |
| boolean | `true`, `false` | `true`, `false` | BOOLEAN | boolean |
| text | text | text | VARCHAR | text |
| time | ISO 8601 in UTC, with microseconds | the same | TIMESTAMP WITH TIME ZONE | timestamp (UTC where it knows no time zones) |

What is not known is null; in CSV an empty cell."""


def _page(title: str, introduction: str, described: Sequence[Entry]) -> str:
    parts = [f"# {title}", introduction]
    for entry in described:
        head = f"{entry.name} {entry.summary}" if entry.name.startswith("SF") else f"`{entry.name}`"
        parts += [f"## {head}", entry.text]
    return _HEAD + "\n" + "\n\n".join(parts) + "\n"


def _metrics_page() -> str:
    rows = [
        f"| `{entry.name}` | {entry.text.split('Type: ')[1].split('.')[0]} | {_labels(entry)} | {entry.summary} |"
        for entry in entries.metrics()
    ]
    introduction = (
        "`syncflow run --metrics 127.0.0.1:9464` serves these at `/metrics` for Prometheus, with `/healthz` (the process lives) and "
        "`/readyz` (events are taken). No label and no value ever holds what a record holds."
    )
    table = "\n".join(["| metric | type | labels | meaning |", "|---|---|---|---|", *rows])
    return f"{_HEAD}\n# Metrics\n\n{introduction}\n\n{table}\n"


def _logs_page() -> str:
    rows = [
        f"| `{name}` | {event.level} | {', '.join(f'`{field}`' for field in event.fields)} | {event.meaning} |"
        for name, event in LOG_EVENTS.items()
    ]
    table = "\n".join(["| event | level | fields | meaning |", "|---|---|---|---|", *rows])
    return f"{_HEAD}\n# Log lines\n\n{_LOGS}\n\n{table}\n"


def _export_page() -> str:
    parts = ["# Tables of an export", _EXPORT]
    for table in TABLES.values():
        key = ", ".join(f"`{name}`" for name in (JOURNAL.name, *table.key))
        since = next((column.name for column in table.columns if column.asked == table.at), "")
        parts += [
            f"## `{table.name}`",
            table.meaning,
            f"Key: {key}. " + (f"`--since` goes by `{since}`." if since else "`--since` does not apply."),
            "\n".join(
                [
                    "| column | type | without `--personal-data` | meaning |",
                    "|---|---|---|---|",
                    *map(_column, columns_of(table)),
                ]
            ),
        ]
    return _HEAD + "\n" + "\n\n".join(parts) + "\n"


def _column(column: Column) -> str:
    hidden = {"": "", "hashed": "hashed", "left out": "null", "code": "`other`, where it is no plain code"}[
        column.privacy
    ]
    if column.name == "reason" and column.privacy:
        hidden = "null, where the words are those of the other side"
    return f"| `{column.name}` | {column.type} | {hidden} | {_cell(column.meaning)} |"


def _labels(entry: Entry) -> str:
    return entry.text.split("Labels: ")[1].rstrip(".") if "Labels: " in entry.text else ""


def _keys_page(file: str) -> str:
    found = keys.tables(file)
    anchors = {table.model: _anchor(_head(table)) for table in found}
    parts = [f"# {_TITLES[file]}", f"What may stand in {FILES[file]}; types are explained [below](#types)."]
    for table in found:
        if table.path:
            parts.append(f"## {_head(table)}")
        parts.append(_sentence(table.summary))
        if table.also:
            parts.append(f"Stands also at {', '.join(f'`{path}`' for path in table.also)}.")
        parts.append(_table(table, anchors))
        parts += [f"```yaml\n{example.rstrip()}\n```" for example in table.examples]
    return f"{_HEAD}\n" + "\n\n".join(filter(None, [*parts, _TYPES])) + "\n"


_TYPES = """## Types

* *duration*: a number with a unit, `500ms`, `10s`, `5m`, `2h`, `7d`; *size*: `500kB`, `5MB`, `2GiB`; *rate*: `5/s`, `100/10s`.
* *name*: letters, digits, `_`, `-` and `.`, beginning with a letter or `_`.
* *text*: also a number or a boolean that stands there unquoted, as it is written.
* `${NAME}` may stand for any scalar or a part of one; `${NAME:-default}` gives what stands before the next `}` where the variable is
  not set."""


def _head(table: Table) -> str:
    return f"`{table.path}`"


def _anchor(head: str) -> str:
    return "".join(letter for letter in head.lower().replace(" ", "-") if letter.isalnum() or letter in "-_")


def _sentence(text: str) -> str:
    return " ".join(text.split())


def _table(table: Table, anchors: dict[str, str]) -> str:
    rows = [
        f"| {_key(row, anchors)} | {_cell(row.type)} | {row.default_in_words} | {_cell(row.meaning)} |"
        for row in table.rows
    ]
    return "\n".join(["| key | type | default | meaning |", "|---|---|---|---|", *rows])


def _key(row: Row, anchors: dict[str, str]) -> str:
    place = next((anchors[model] for model in row.leads_to if anchors.get(model)), "")
    return f"[`{row.name}`](#{place})" if place else f"`{row.name}`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _index(found: dict[str, str]) -> str:
    titles = {name: text.split("\n# ", 1)[1].split("\n", 1)[0] for name, text in found.items()}
    listed = "\n".join(f"* [{title}]({name})" for name, title in titles.items())
    return (
        f"{_HEAD}\n# Reference\n\nEverything that has a name. `syncflow docs NAME` prints any of it at the terminal: a key "
        f"(`syncflow docs on_leave`), a function, a code, a metric, a command, an adapter.\n\n{listed}\n"
        "* [Functions](../functions.md)\n"
    )
