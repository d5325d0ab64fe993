"""What an extra brings is loaded only where it is used, and where it is missing one diagnostic says how to install it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.compiler.projects import FILES, write_project

ROOT = Path(__file__).resolve().parents[2]
EXTRAS: dict[str, list[str]] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"][
    "optional-dependencies"
]
ALL = EXTRAS.pop("all")

BRINGS = {
    "jwt": ["jwt"],
    "aws": ["botocore"],
    "oauth1": ["oauthlib"],
    "signatures": ["cryptography"],
    "zst": ["zstandard"],
    "postgres": ["psycopg"],
    "sql": ["sqlalchemy"],
    "mysql": ["pymysql"],
    "kafka": ["confluent_kafka"],
    "objects": ["obstore"],
    "parquet": ["duckdb"],
    "redis": ["redis"],
    "nats": ["nats"],
    "rabbitmq": ["aio_pika"],
    "sqs": ["boto3"],
    "otel": ["opentelemetry.sdk", "opentelemetry.exporter"],
}
"""Extra → what is imported of it."""

FILE = "  file: {path: events.jsonl}\n"
SOURCES = {
    "signatures": "webhook: {signature: {header: X-Sig, algorithm: ed25519, public_key: %s}}" % ("ab" * 32),
    "zst": "file: {path: events.jsonl.zst}",
    "postgres": "postgres: {url: 'postgresql://db/shop', tables: {public.people: contacts}}",
    "sql": "sql: {url: 'sqlite:///shop.db', query: 'SELECT * FROM people', key: id, record: contacts}",
    "mysql": "mysql: {url: 'mysql://db/shop', server_id: 7, tables: {shop.people: contacts}}",
    "kafka": "kafka: {servers: 'k:9092', topics: [people]}",
    "objects": "objects: {url: 's3://lake/in', match: '*.jsonl'}",
    "parquet": "objects: {url: 's3://lake/in', match: '*.parquet'}",
    "redis": "redis: {url: 'redis://r', stream: people}",
    "nats": "nats: {servers: 'nats://n:4222', stream: PEOPLE}",
    "rabbitmq": "rabbitmq: {url: 'amqp://mq/v', queue: people}",
    "sqs": "sqs: {queue: 'https://sqs.eu-central-1.amazonaws.com/123/people'}",
}
SIGNATURES = {
    "aws": 'aws: {access_key: a, secret_key: "{{ auth.key }}", region: r, service: s}',
    "oauth1": 'oauth1: {consumer_key: a, consumer_secret: "{{ auth.key }}"}',
}
SIGNING = """auth:
  assertion:
    settings: {key: secret}
    token: {request: {post: /token, form: {assertion: "{{ assertion }}"}}, jwt: {key: "{{ auth.key }}", claims: {iss: us}}}
    headers: {Authorization: "Bearer {{ token.value }}"}
"""


SYSTEMS = {"jwt", *SIGNATURES}
"""Extras of adapters, which the two systems of the project sign in by."""


def files(extra: str) -> dict[str, str]:
    """Return the files of the project that differ where it needs an extra."""
    routes, adapter = FILES["routes.yaml"], FILES["adapters/crm.yaml"]
    if extra in SYSTEMS:
        signed = f"auth: {{own: {{settings: {{key: secret}}, {SIGNATURES.get(extra)}}}}}\n"
        signing = adapter.replace("objects:\n", f"{SIGNING if extra == 'jwt' else signed}objects:\n", 1)
        return {
            "routes.yaml": routes.replace("{adapter: crm}", "{adapter: crm, auth: {key: k}}"),
            "adapters/crm.yaml": signing,
        }
    if extra == "otel":
        return {"routes.yaml": f"{routes}traces: {{to: 'http://127.0.0.1:4318'}}\n"}
    assert FILE in routes
    return {"routes.yaml": routes.replace(FILE, f"  {SOURCES[extra]}\n")}


RUN = """
import contextlib, io, json, os, sys
from syncflow.cli import main

def said(command):
    out = io.StringIO()
    sys.argv = ["syncflow", *command]
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
        try:
            main()
            code = 0
        except SystemExit as left:
            code = left.code
    return code, out.getvalue()

def without(modules, command):
    before = {name: sys.modules.get(name) for name in modules}
    sys.modules.update(dict.fromkeys(modules))
    found = said(command)
    for name, module in before.items():
        sys.modules.update({name: module}) if module else sys.modules.pop(name)
    return found

folder, brings = sys.argv[1], json.loads(sys.argv[2])
told = {}
for command in (["validate"], ["run", "--quiet"]):
    for extra, modules in brings.items():
        os.chdir(os.path.join(folder, extra))
        # Libraries of others load some of these themselves where they are there: httpx does, and `run` needs it.
        loaded = [name for name in modules if name in sys.modules and command == ["validate"]]
        assert not loaded, f"{loaded} was loaded by what does not need it"
        told.setdefault(extra, []).append(without(modules, command))
print(json.dumps(told))
"""


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[tuple[int, str]]]:
    """What `validate` and `run` say of a project for each extra, where its package alone is missing; all in one process."""
    folder = tmp_path_factory.mktemp("extras")
    for extra in BRINGS:
        write_project(folder / extra, files(extra))
    command = [sys.executable, "-c", RUN, str(folder), json.dumps(BRINGS)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    found: dict[str, list[tuple[int, str]]] = json.loads(ran.stdout)
    return found


@pytest.mark.parametrize("extra", BRINGS)
def test_what_is_missing_is_named_once_with_the_command_that_installs_it(
    extra: str, told: dict[str, list[tuple[int, str]]]
) -> None:
    for command, (code, text) in zip(("validate", "run"), told[extra], strict=True):
        hints = re.findall(r"pip install \S+", text)
        where = 2 if extra in SYSTEMS else 1  # two systems sign in so
        assert hints == [f"pip install 'syncflow[{extra}]'"] * where, (command, text)
        assert text.count("SF222") == where
        assert (code, "Traceback" in text) == (1, False)


def test_every_extra_is_tried_and_all_brings_all() -> None:
    assert set(BRINGS) == set(EXTRAS)
    assert [f"syncflow[{','.join(EXTRAS)}]"] == ALL


def test_every_extra_stands_in_the_table() -> None:
    page = (ROOT / "docs" / "extras.md").read_text("utf-8")
    assert re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE) == [*EXTRAS, "all"]
    packages = {re.split(r"[>=\[]", each)[0] for wanted in EXTRAS.values() for each in wanted}
    assert [name for name in sorted(packages) if name not in page] == []
