"""A line of JSON in, eleven mapped and checked fields out as JSON: generated, walked, and by VRL; same outputs asserted."""

from __future__ import annotations

import json
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import jinja2
import jmespath
import orjson
from jmespath.functions import Functions as BuiltIns
from pydantic import BaseModel, ConfigDict, Field

from bench.environments import environment
from bench.events import created
from bench.figures import Figure, LeftOutError, Size
from bench.processes import PROJECT
from syncflow.compiler.build import build, doors, transform_of
from syncflow.compiler.functions import FUNCTIONS
from syncflow.compiler.problems import check
from syncflow.config.models.mapping import Constant, Recipe
from syncflow.config.project import Project, load_project
from syncflow.events import Accepted, Position, Raw

TITLE = "a line of JSON in, eleven mapped and checked fields out as JSON"

_BESIDE = Path(__file__).parent / "beside"
_LOCK = Path(__file__).parent / "requirements-vrl.lock"
_KIND = Literal["Lead", "Prospect", "Employee", "Customer", "Partner", "Vendor"]

_SETTINGS = {"BENCH_EVENTS": "events.jsonl", "BENCH_SINK": "http://127.0.0.1:9", "BENCH_JOURNAL": "journal.db"}
"""Nothing here is read or sent to."""

Made = Callable[[bytes], bytes]


class _Contact(BaseModel):
    """What the walked mapping is checked by."""

    model_config = ConfigDict(strict=True, extra="forbid")

    id: str = Field(max_length=255)
    first: str | None = Field(max_length=40)
    last: str = Field(max_length=80)
    email: str | None = Field(max_length=80, pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$")
    phone: str | None = Field(max_length=40)
    source: str = Field(max_length=40)
    kind: _KIND
    about: str = Field(max_length=32000)
    domain: str | None = Field(max_length=255)
    created: str = Field(max_length=40)
    updated: str = Field(max_length=40)


class _Library(BuiltIns):
    def call_function(self, function_name: str, resolved_args: Any) -> Any:
        if function_name in BuiltIns.FUNCTION_TABLE:
            return super().call_function(function_name, resolved_args)
        return FUNCTIONS[function_name].call(*resolved_args)


def generated(project: Project) -> Made:
    """All that a run does to an event before it is journaled."""
    program = build(project)
    position = Position("bench", 1)

    def make(line: bytes) -> bytes:
        accepted = program.check(Raw(position, line))
        assert isinstance(accepted, Accepted)
        return orjson.dumps(program.route(accepted).matches[0].payload)

    return make


def line_to_line(project: Project) -> Made:
    """Decode, door, mapping, encode: what is left without envelope, rules, routes and the values that a run passes on."""
    mapping = next(iter(project.mappings.values())).model
    make_payload, fits = transform_of(project, mapping).payload, doors(project)[mapping.source].fits_a_whole_event
    loads, dumps = orjson.loads, orjson.dumps

    def make(line: bytes) -> bytes:
        root = loads(line)
        assert fits(root)  # the door, and all that the intake wants to know of what was decoded
        return dumps(make_payload(root, "create"))

    return make


def walked(project: Project) -> Made:
    """The same mapping as one would write it by hand on the libraries."""
    fields = next(iter(project.mappings.values())).model.fields
    makers = [(name, _walker(form)) for name, form in fields.items()]

    def make(line: bytes) -> bytes:
        root = orjson.loads(line)
        return _Contact.model_validate({name: maker(root) for name, maker in makers}).model_dump_json().encode()

    return make


def _walker(form: Any) -> Callable[[Any], Any]:
    if isinstance(form, Constant):
        return lambda root: form.value
    text = form.source if isinstance(form, Recipe) else form
    if "{{" in text:
        template = jinja2.Environment(undefined=jinja2.StrictUndefined, autoescape=False).from_string(text)
        return template.render
    expression, options = jmespath.compile(text), jmespath.Options(custom_functions=_Library())
    if isinstance(form, Recipe) and form.table is not None:
        table = form.table
        return lambda root: table[expression.search(root, options)]
    return lambda root: expression.search(root, options)


def measure(size: Size) -> Iterator[Figure]:
    project = load_project(PROJECT / "routes.yaml", environment=_SETTINGS)
    lines = [orjson.dumps(event) for event in created(size.of(tiny=60, usual=6_000))]
    ours, theirs, whole = line_to_line(project), walked(project), generated(project)
    for line in lines:
        assert orjson.loads(ours(line)) == orjson.loads(theirs(line)) == orjson.loads(whole(line))
    took, base, all_of_it = _microseconds((ours, theirs, whole), lines)
    yield Figure("generated, in a run: with envelope, rules and routes", all_of_it, "µs")
    yield Figure("generated: decode, door, mapping, encode", took, "µs")
    yield Figure("events a second on one core", 1e6 / took, "/s", at_least=165_000)
    yield Figure("jmespath + jinja2 + pydantic", base, "µs")
    yield Figure("generated, to jmespath + jinja2 + pydantic", base / took, "×", at_least=15)
    yield from _beside_vrl(lines, orjson.loads(ours(lines[0])), took)
    yield from _validating(project)


def _beside_vrl(lines: Sequence[bytes], expected: Any, took: float) -> Iterator[Figure]:
    try:
        commands = environment(_LOCK)
    except LeftOutError as error:
        print(f"  left out: {error}")
        return
    with tempfile.NamedTemporaryFile(suffix=".jsonl") as file:
        file.write(b"\n".join(lines))
        file.flush()
        arguments = [commands / "python", _BESIDE / "vrl_lines.py", _BESIDE / "contact.vrl", file.name]
        ended = subprocess.run([str(word) for word in arguments], capture_output=True, text=True, check=True)
    found = json.loads(ended.stdout)
    assert found["made"] == expected, found["made"]
    yield Figure("VRL", found["microseconds"], "µs")
    yield Figure("generated, to VRL", found["microseconds"] / took, "×", at_least=4)


def _validating(project: Project) -> Iterator[Figure]:
    start = time.perf_counter()
    check(project)
    yield Figure("checking this project, once it is loaded", (time.perf_counter() - start) * 1e3, "ms", at_most=500)


def _microseconds(makers: Sequence[Made], lines: Sequence[bytes]) -> list[float]:
    """Return the best of fifteen runs of each, per line, in turns, so that a busy moment meets all of them."""
    rounds = [[_processor_seconds(make, lines) for make in makers] for _ in range(15)]
    return [min(taken) / len(lines) * 1e6 for taken in zip(*rounds, strict=True)]


def _processor_seconds(make: Made, lines: Sequence[bytes]) -> float:
    start = time.process_time()
    for line in lines:
        make(line)
    return time.process_time() - start
