"""The JSON Schemas for editors: what the loader takes fits, what it refuses does not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from syncflow.config.file_schemas import KINDS, file_schema
from syncflow.config.files import Files
from syncflow.config.scalars import resolve
from syncflow.config.yaml import read_text
from tests.docs.blocks import ROOT, blocks
from tests.docs.kinds import file_of

VALIDATORS = {kind: Draft202012Validator(file_schema(kind)) for kind in KINDS}
FOLDERS = {"mappings": "mapping", "schemas": "schema", "objects": "object", "adapters": "adapter"}
PROJECTS = (
    ROOT,
    ROOT / "syncflow" / "cli" / "project",
    ROOT / "tests" / "config" / "project",
    *ROOT.glob("examples/*"),
)


def kind_of(path: Path) -> str:
    return "routes" if path.stem.startswith("routes") else FOLDERS[path.parent.name]


def shipped() -> list[Path]:
    found = [
        path
        for project in PROJECTS
        for path in [
            *project.glob("routes.yaml"),
            *(p for folder in FOLDERS for p in project.glob(f"{folder}/**/*.yaml")),
        ]
    ]
    package = ROOT / "syncflow" / "adapters"
    return [*found, *package.glob("*.yaml"), *package.glob("objects/*.yaml")]


def problems(kind: str, text: str) -> list[str]:
    """Read text as an editor does, and check it."""
    node, _, diagnostics = read_text(text.encode(), name="file.yaml")
    assert node is not None, diagnostics
    return [f"{error.json_path}: {error.message}" for error in VALIDATORS[kind].iter_errors(resolve(node.data()))]


def loads(kind: str, text: str, folder: Path) -> bool:
    path = folder / "file.yaml"
    path.write_text(text, "utf-8")
    return Files({}, offline=True).document(KINDS[kind], path) is not None


@pytest.mark.parametrize("kind", KINDS)
def test_a_schema_is_a_schema(kind: str) -> None:
    Draft202012Validator.check_schema(file_schema(kind))


@pytest.mark.parametrize("path", shipped(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_shipped_file_fits(path: Path) -> None:
    assert problems(kind_of(path), path.read_text("utf-8")) == []


SHOWN = [block for block in blocks("yaml") if file_of(block)]


@pytest.mark.parametrize("block", SHOWN, ids=lambda block: block.id)
def test_every_file_that_a_page_shows_fits(block: Any) -> None:
    path = Path(file_of(block))
    assert problems(kind_of(path), block.text) == []


ROUTES = "source: {stdin: {}}\nrecords: {a: {schema: a.yaml}}\nsystems: {s: {adapter: x}}\nroutes: [{to: s, mapping: m.yaml}]\n"
MAPPING = "source: a\ntarget: x/A\nkey: id\nfields: {id: item.id}\n"
ADAPTER = (
    "adapter: x\nbase_url: https://x.example\nobjects: {A: {fields: a.yaml}}\n"
    "operations: {upsert: {repeat: safe, request: {post: /}}}\n"
)

GOOD = [
    ("routes", ROUTES),
    ("routes", ROUTES + "version: 1\nconcurrent: ${ASYNC:-true}\nunrouted: ${UNROUTED}\n"),
    ("routes", ROUTES + "retry: {attempts: '${N}', first: 1.5s, most: 1e2s, age: 24h}\n"),
    ("routes", ROUTES + "dead_letters: {stop_after: 5%}\njournal: {keep: {size: 10 GB}}\n".replace("10 GB", "10GB")),
    ("routes", ROUTES + "envelope: {timestamp: null}\nfunctions:\nprofile:\n"),
    ("routes", ROUTES + "ignore: [true, record == 'x']\n"),
    ("routes", ROUTES.replace("{adapter: x}", "{adapter: x, limits: {requests: [5/s, 1000/m, '${R}/s']}}")),
    ("routes", ROUTES.replace("{to: s,", "{by: item.x, table: {yes: s, no: [s]}, default: [s],")),
    ("routes", ROUTES.replace("{stdin: {}}", "{stdin: {}, file: null}")),
    ("routes", ROUTES + "profiles: {mock: {systems: {s: {base_url: 'http://x'}}, source: {file: {path: x.csv}}}}\n"),
    *(
        ("routes", ROUTES.replace("{stdin: {}}", "{sql: {url: u, query: q, %s}}" % part))  # noqa: UP031
        for part in ("guard: {removed: 50%, changed: 0.1}", "guard: {removed: '${SHARE}'}", "guard: {changed: null}",
            "changes: {cursor: c, overlap: 5m}", "changes: {cursor: c, overlap: 100}", "changes: {cursor: c, overlap: null}",
            "cron: 0 6 * * *", "cron: '${WHEN}'", "every: 15m")
    ),
    ("mapping", MAPPING.replace("item.id}", "item.id, a: {value: 5}, b: {from: item.b, table: {x: 1}, default: null}}")),
    ("mapping", MAPPING.replace("item.id}", "item.id, a: {value: null}, 2.10: '5'}")),
    ("mapping", MAPPING + "tests: [{name: 2.10, given: {item: {}}, expect: {a: null}, exactly: true}]\n"),
    ("schema", "type: object\nproperties: {a: {type: [string, null]}, b: {type: null}, c: {const: null}}\n"),
    ("schema", "type: object\nproperties: {a: {minimum: 0.5, maximum: 5}, b: {additionalProperties: {type: string}}}\n"),
    ("schema", "type: object\nproperties: {a: {$ref: '#/$defs/a'}}\n$defs: {a: {anyOf: [{enum: [1, null, x]}, {type: 'null'}]}}\n"),
    ("object", "object: A\nfields: {a: {}, b: {type: option, options: [1.10, yes, no]}, c: {maximum: 9.5, required: true}}\n"),
    ("adapter", ADAPTER),
    ("adapter", ADAPTER + "limits: [{requests: 5, per: 10s, only: search}, {in_flight: 4}]\ntimeout: 1m\n"),
    ("adapter", ADAPTER + "limits: [{remaining: headers.left}, {remaining: headers.left, wait: 5m}]\n"),
    ("adapter", ADAPTER.replace("request: {post: /}", "steps: [{request: {get: /}}, {request: {delete: /}}]")),
    ("adapter", ADAPTER + "auth: {basic: {settings: {user: text, key: secret}, token: {request: {post: /}, life: null}}}\n"),
]  # fmt: skip

BAD = [
    *(
        ("routes", ROUTES.replace("{stdin: {}}", "{sql: {url: u, query: q, %s}}" % part))  # noqa: UP031
        for part in ("guard: {removed: half}", "guard: {removed: 50}", "changes: {cursor: c, overlap: -5}",
            "changes: {cursor: c, overlap: often}")
    ),
    ("routes", ROUTES + "verson: 1\n"),
    ("routes", ROUTES + "version: 2\n"),
    ("routes", ROUTES.replace("{stdin: {}}", "{stdin: {}, file: {path: x.csv}}")),
    ("routes", ROUTES.replace("{stdin: {}}", "{}")),
    ("routes", ROUTES.replace("{adapter: x}", "{}")),
    ("routes", ROUTES.replace("{adapter: x}", "{adapter: x, limits: {requests: 5}}")),
    ("routes", ROUTES.replace("{adapter: x}", "{adapter: x, limits: {in_flight: 0}}")),
    ("routes", ROUTES.replace("{adapter: x}", "{adapter: x, timeout: 10}")),
    ("routes", ROUTES.replace("{adapter: x}", "{adapter: x, timeout: 10 minutes}")),
    ("routes", ROUTES.replace("s: {adapter", "2s: {adapter")),
    ("routes", ROUTES + "retry: {attempts: many}\n"),
    ("routes", ROUTES + "concurrent: yes\n"),
    ("routes", ROUTES + "unrouted: drop\n"),
    ("routes", ROUTES + "unrouted: null\n"),
    ("routes", ROUTES + "journal: {keep: {size: 10}}\n"),
    ("routes", ROUTES + "dead_letters: {stop_after: 5 percent}\n"),
    ("routes", ROUTES + "profiles: {mock: {sistems: {}}}\n"),
    ("routes", ROUTES + "tests: [{name: x, given: {}, expect: {}}]\n"),
    ("routes", ROUTES + "tests: [{name: x, given: {}, expect: {operations: {a: upsrt}}}]\n"),
    ("mapping", MAPPING.replace("source: a\n", "")),
    ("mapping", MAPPING.replace("x/A", "A")),
    ("mapping", MAPPING.replace("{id: item.id}", "{id: 5}")),
    ("mapping", MAPPING.replace("{id: item.id}", "{id: null}")),
    ("mapping", MAPPING.replace("{id: item.id}", "{id: {default: 5}}")),
    ("mapping", MAPPING.replace("{id: item.id}", "{id: {value: 5, from: x}}")),
    ("mapping", MAPPING + "nulls: keep\n"),
    ("schema", "type: text\n"),
    ("schema", "type: object\nproperties: {a: {tpe: string}}\n"),
    ("schema", "type: object\nproperties: {a: {minLength: short}}\n"),
    ("object", "object: A\nfields: {a: {type: varchar}}\n"),
    ("object", "object: A\nfields: {a: {required: maybe}}\n"),
    ("adapter", ADAPTER.replace("repeat: safe", "repeat: perhaps")),
    ("adapter", ADAPTER.replace("{post: /}", "{post: /, get: /}")),
    ("adapter", ADAPTER.replace(", request: {post: /}", "")),
    ("adapter", ADAPTER.replace("upsert:", "merge:")),
    ("adapter", ADAPTER + "limits: [{requests: 5}]\n"),
    ("adapter", ADAPTER + "limits: [{requests: 5, per: 1s, in_flight: 4}]\n"),
    ("adapter", ADAPTER + "limits: [{in_flight: 5, wait: 5m}]\n"),
    ("adapter", ADAPTER + "limits: [{in_flight: 5, only: search}]\n"),
    ("adapter", ADAPTER + "outcomes: [{then: explode}]\n"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "text"), GOOD)
def test_what_the_loader_takes_fits(kind: str, text: str, tmp_path: Path) -> None:
    assert loads(kind, text, tmp_path)
    assert problems(kind, text) == []


@pytest.mark.parametrize(("kind", "text"), BAD)
def test_what_the_loader_refuses_does_not_fit(kind: str, text: str, tmp_path: Path) -> None:
    assert problems(kind, text)
    assert "profiles" in text or not loads(kind, text, tmp_path)


@pytest.mark.parametrize("kind", KINDS)
def test_every_key_of_what_people_write_is_described(kind: str) -> None:
    schema = file_schema(kind)
    parts = {"": schema, **schema.get("$defs", {})}
    bare = [
        f"{name}.{key}"
        for name, part in parts.items()
        for key, found in part.get("properties", {}).items()
        if not found.get("description")
    ]
    assert kind == "adapter" or not bare


@pytest.mark.parametrize(
    ("path", "default"),
    [
        (("RetrySettings", "first"), "500ms"),
        (("RetrySettings", "age"), "1d"),
        (("JournalKeep", "size"), "5GB"),
        (("RetrySettings", "attempts"), 8),
    ],
)
def test_defaults_are_written_as_people_write_them(path: tuple[str, str], default: Any) -> None:
    assert file_schema("routes")["$defs"][path[0]]["properties"][path[1]]["default"] == default
