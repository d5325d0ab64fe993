"""Each extra alone brings all that it is for: in an environment without the others, what needs it starts."""

from __future__ import annotations

import json
import sqlite3
import subprocess
from contextlib import closing
from functools import reduce
from pathlib import Path

import pytest
import zstandard

from tests.compiler.projects import FILES, write_project
from tests.config.environments import environment, requirements_of
from tests.config.test_extras import EXTRAS, files
from tests.ports import free_port

RUN = """
import contextlib, io, json, os, sys
from syncflow.cli import main

def said(*command):
    out = io.StringIO()
    sys.argv = ["syncflow", *command]
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
        try:
            main()
            code = 0
        except SystemExit as left:
            code = left.code
    return code, out.getvalue()

print(json.dumps([said(*command) for command in json.loads(sys.argv.pop(1))]))
"""
GONE = f"127.0.0.1:{free_port()}"
"""Where nobody listens."""
HERE = {
    "postgresql://db/": f"postgresql://{GONE}/",
    "mysql://db/": f"mysql://u:p@{GONE}/",
    "k:9092": GONE,
    "redis://r": f"redis://{GONE}",
    "nats://n:4222": f"nats://{GONE}",
    "amqp://mq/": f"amqp://{GONE}/",
    "https://crm.example\n": f"http://{GONE}\ncheck: {{get: /me}}\n",
    "queue: 'https://sqs.eu-central-1.amazonaws.com/123/people'": (
        f"queue: people, region: eu-central-1, endpoint: 'http://{GONE}', access_key: a, secret_key: b"
    ),
}
EVENT = b'{"record": "noise"}\n'
OF_FILES = {
    "zst": "file: {path: events.jsonl.zst}",
    "sql": "sql: {url: 'sqlite:///shop.db', query: 'SELECT * FROM people', key: id, record: contacts}",
    "objects": "objects: {url: FOLDER, match: '*.jsonl'}",
}
"""What they are for needs no server: it is run."""


def started(folder: Path, extra: str, *commands: list[str]) -> list[tuple[int, str]]:
    """Give commands in a project that needs an extra, in an environment that has this one alone."""
    python = environment(folder / "environment", requirements_of(extra))
    project = folder / "project"
    write_project(project, _written(extra, project))
    (project / "events.jsonl").write_bytes(EVENT)
    (project / "events.jsonl.zst").write_bytes(zstandard.compress(EVENT))
    with closing(sqlite3.connect(project / "shop.db")) as database:
        database.execute("CREATE TABLE people (id TEXT, type TEXT)")
    ran = subprocess.run([*python, RUN, json.dumps(commands)], cwd=project, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    found: list[tuple[int, str]] = [(code, text) for code, text in json.loads(ran.stdout)]
    return found


def _written(extra: str, project: Path) -> dict[str, str]:
    """Return the files of the project that needs the extra; its servers are at an address where nobody is."""
    if extra in {"", "parquet"}:  # Parquet is written here: to read it, objects are an extra of their own
        return {}
    if extra in OF_FILES:
        source = OF_FILES[extra].replace("FOLDER", f"'file://{project}'")
        return {"routes.yaml": FILES["routes.yaml"].replace("file: {path: events.jsonl}", source)}
    return {
        name: reduce(lambda text, change: text.replace(*change), HERE.items(), text)
        for name, text in files(extra).items()
    }


def test_without_extras_a_project_runs(tmp_path: Path) -> None:
    validated, checked, ran = started(tmp_path, "", ["validate"], ["check"], ["run", "--quiet"])
    assert (validated[0], checked[0], ran[0]) == (0, 0, 0), (validated, checked, ran)
    assert "1 event read" in ran[1]


@pytest.mark.parametrize("extra", ["parquet", "otel", *OF_FILES])
def test_an_extra_alone_brings_what_is_for_files_and_traces(extra: str, tmp_path: Path) -> None:
    export = ["export", "--to", "out", *(["--format", "parquet"] if extra == "parquet" else [])]
    validated, ran, exported = started(tmp_path, extra, ["validate"], ["run", "--quiet"], export)
    assert (validated[0], ran[0], exported[0]) == (0, 0, 0), (validated, ran, exported)
    assert ("0 events read" if extra == "sql" else "1 event read") in ran[1]
    assert any((tmp_path / "project" / "out").rglob("*.parquet")) is (extra == "parquet")


ASKED = {
    "postgres": "source: unreachable: ",
    "mysql": "source: unreachable: ",
    "kafka": "source: unreachable: ",
    "redis": "source: unreachable: ",
    "nats": "source: unreachable: ",
    "rabbitmq": "source: unreachable: ",
    "sqs": "source: unreachable: ",
    "aws": "sales: unreachable: ",
    "oauth1": "sales: unreachable: ",
    "jwt": "the key that the assertion is signed with is no RS256 key",
    "signatures": "sales: good: ",
}
"""What `check` says once all that an extra brings is at work: nobody is there, or there is something to sign with or to check by."""


@pytest.mark.parametrize("extra", ASKED)
def test_an_extra_alone_brings_what_speaks_to_a_server(extra: str, tmp_path: Path) -> None:
    validated, checked = started(tmp_path, extra, ["validate"], ["check"])
    assert validated[0] == 0, validated
    assert ASKED[extra] in checked[1]
    assert "bug in syncflow" not in checked[1]


def test_every_extra_is_started() -> None:
    assert {"parquet", "otel", *OF_FILES, *ASKED} == set(EXTRAS)
