"""`syncflow validate` as a process, imports included: the default project, and one of a thousand mappings."""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from bench.figures import Figure, Size

TITLE = "`syncflow validate` as a process, imports included"

_ROOT = Path(__file__).resolve().parents[1]

_ROUTES = """
source:
  file: {path: events.jsonl}
records:
  contacts: {schema: contact.yaml}
systems:
  crm: {adapter: crm}
unrouted: ignore
routes:
"""
_ROUTE = (
    "  - {{name: r{number}, when: \"starts_with(item.id, '{number}-')\", to: crm, mapping: mappings/m{number}.yaml}}\n"
)
_SCHEMA = """
type: object
required: [id, name, type]
properties:
  id: {type: string, minLength: 1, maxLength: 20}
  name: {type: string, maxLength: 80}
  email: {type: [string, "null"], format: email}
  type: {type: string, enum: [lead, customer, partner]}
  since: {type: string, format: date-time}
"""
_MAPPING = """
source: contacts
target: crm/people
key: external_id
fields:
  external_id: item.id
  first_name: truncate(first_name(item.name), `40`)
  last_name: truncate(last_name(item.name) || 'Unknown {number}', `80`)
  email: lower(item.email)
  kind: {{from: item.type, table: {{lead: Lead, customer: Customer, partner: Partner}}}}
  since: item.since
  joined: today()
  about: "{{% if item.email is defined and item.email %}}{{{{ item.email | lower }}}}{{% else %}}{{{{ item.name }}}} {number}{{% endif %}}"
  score: {{value: {number}}}
"""
_ADAPTER = """
adapter: crm
base_url: https://crm.example
objects:
  people: {fields: objects/people.yaml, keys: [external_id]}
operations:
  upsert:
    repeat: safe
    batch: {records: 10}
    request: {post: "/people", json: {each: payload}}
    answer: {missing: delivered}
  delete:
    repeat: safe
    request: {delete: "/people/{{ key.value }}"}
"""
_OBJECT = """
object: people
fields:
  external_id: {length: 20, unique: true}
  first_name: {length: 40}
  last_name: {length: 80, required: true}
  email: {type: email}
  kind: {type: option, options: [Lead, Customer, Partner]}
  since: {type: date-time}
  joined: {type: date}
  about: {length: 300}
  score: {type: integer}
"""


def write_project(folder: Path, mappings: int) -> Path:
    """Write a project of so many mappings, each with a route of its own; return its routes file."""
    files = {"contact.yaml": _SCHEMA, "adapters/crm.yaml": _ADAPTER, "adapters/objects/people.yaml": _OBJECT}
    files |= {f"mappings/m{number}.yaml": _MAPPING.format(number=number) for number in range(mappings)}
    files["routes.yaml"] = _ROUTES + "".join(_ROUTE.format(number=number) for number in range(mappings))
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.lstrip("\n"), "utf-8")
    return folder / "routes.yaml"


def measure(size: Size) -> Iterator[Figure]:
    runs = size.of(tiny=1, usual=10)
    took, spent = _best(_ROOT / "routes.yaml", runs)
    yield Figure("the default project", took, "s", at_most=0.5)
    yield Figure("the default project, processor time", spent, "s")
    mappings = size.of(tiny=3, usual=1_000)
    with tempfile.TemporaryDirectory() as folder:
        took, spent = _best(write_project(Path(folder), mappings), size.of(tiny=1, usual=2))
    yield Figure(f"a project of {mappings:,} mappings", took, "s", at_most=10)
    yield Figure(f"a project of {mappings:,} mappings, processor time", spent, "s")


def _best(routes: Path, runs: int) -> tuple[float, float]:
    """Return the shortest of so many runs, and the least processor time of any."""
    measured = [_validated(routes) for _ in range(runs)]
    return min(took for took, _ in measured), min(spent for _, spent in measured)


def _validated(routes: Path) -> tuple[float, float]:
    before, start = _spent(), time.perf_counter()
    ended = subprocess.run(
        [sys.executable, "-m", "syncflow", "validate", "--strict", str(routes)],
        capture_output=True,
        text=True,
        check=False,
        cwd=_ROOT,
    )
    took = time.perf_counter() - start
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return took, _spent() - before


def _spent() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
