"""The house: imports point down, a library has one home, and nothing is said where it must not be."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.test_patience import short_limits

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "syncflow"

# From the bottom up. A module may import its own layer and those before it.
LAYERS = (
    "errors",
    "frozen",
    "patterns",
    "visible",
    "private_files",
    "clock",
    "events",
    "key_rules",
    "config",
    "compiler",
    "adapters",
    "sources",
    "runtime",
    "testing",
    "console",
    "site",
    "cli",
)
# Only for types: an error carries diagnostics, which its own module must not import to run.
FOR_TYPES_ONLY = {("errors", "config")}
# The cli alone starts the mock; the package's front and its two doors are thin.
FRONT = ("__init__", "__main__", "mock")

HOMES = {
    "yaml": {"config"},
    "dotenv": {"config"},
    "jmespath": {"compiler"},
    "jinja2": {"compiler", "console", "site"},
    "phonenumbers": {"compiler"},
    "re2": {"compiler"},
    "httpx": {"adapters", "sources"},
    "httpx_aiohttp": {"adapters"},
    "jwt": {"adapters"},
    "oauthlib": {"adapters"},
    "cryptography": {"adapters", "sources"},
    "aiohttp": {"adapters"},
    "faker": {"sources"},
    "zstandard": {"sources"},
    "aiolimiter": {"sources", "runtime"},
    "sqlite3": {"runtime", "sources"},
    "sqlalchemy": {"adapters", "sources", "runtime"},
    "obstore": {"sources"},
    "duckdb": {"sources", "runtime"},
    "cronsim": {"config", "sources"},
    "psycopg": {"sources", "runtime"},
    "pymysql": {"sources"},
    "confluent_kafka": {"sources"},
    "fastavro": {"sources"},
    "boto3": {"sources"},
    "botocore": {"sources", "adapters"},
    "redis": {"sources"},
    "aio_pika": {"sources"},
    "aiormq": {"sources"},
    "nats": {"sources"},
    "tenacity": {"runtime"},
    "prometheus_client": {"runtime"},
    "opentelemetry": {"runtime"},
    "requests": {"runtime"},
    "fastapi": {"mock", "sources", "console"},
    "starlette": {"mock", "sources", "console"},
    "uvicorn": {"mock", "sources"},
    "typer": {"cli"},
    "rich": {"cli"},
    "watchfiles": {"cli", "runtime"},
}


def layer_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def imports_of(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the line and full name of everything that is imported, wherever in the module."""
    package = ".".join(path.relative_to(ROOT).parent.parts)
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*above, *([base] if base else [])])
            yield from ((node.lineno, f"{base}.{alias.name}") for alias in node.names)


def type_checking_lines(path: Path) -> set[int]:
    lines: set[int] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            lines.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return lines


def may_import(importer: str, imported: str) -> bool:
    if importer == imported:
        return True
    if importer in {"__init__", "__main__"}:
        return imported != "mock"
    if importer == "mock":
        return False
    if imported == "mock":
        return importer == "cli"
    return imported == "__init__" or LAYERS.index(imported) <= LAYERS.index(importer)


def tracked_files() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout: there is no list of the files that belong to the project")
    return [ROOT / name for name in listed.stdout.decode().split("\0") if name and (ROOT / name).is_file()]


def text_of(path: Path) -> str:
    return path.read_bytes().decode("utf-8", errors="replace")


def test_every_module_belongs_to_a_layer() -> None:
    assert {layer_of(path) for path in modules()} <= {*LAYERS, *FRONT}


@pytest.mark.parametrize(
    "layer", ["config", "compiler", "adapters", "sources", "runtime", "testing", "console", "cli", "mock"]
)
def test_the_stages_of_a_layer_import_each_other_one_way_only(layer: str) -> None:
    """Folders and single modules of a layer: whoever is imported imports nobody who leads back."""
    home = PACKAGE / layer
    needs: dict[str, set[str]] = {}
    for path in home.rglob("*.py"):
        stage = path.relative_to(home).parts[0].removesuffix(".py")
        names = (name.split(".") for _, name in imports_of(path))
        found = {parts[2] for parts in names if parts[:2] == ["syncflow", layer] and len(parts) > 3}
        needs.setdefault(stage, set()).update(found - {stage})
    while free := {stage for stage, needed in needs.items() if not needed & needs.keys()}:
        needs = {stage: needed for stage, needed in needs.items() if stage not in free}
    assert not needs


def test_imports_point_down() -> None:
    wrong = []
    for path in modules():
        importer, typing_only = layer_of(path), type_checking_lines(path)
        for line, name in imports_of(path):
            parts = name.split(".")
            if parts[0] != "syncflow":
                continue
            imported = parts[1] if len(parts) > 1 and parts[1] in {*LAYERS, "mock"} else "__init__"
            excused = (importer, imported) in FOR_TYPES_ONLY and line in typing_only
            if not excused and not may_import(importer, imported):
                wrong.append(f"{path.relative_to(ROOT)}:{line} imports {name}")
    assert not wrong


def test_a_library_has_one_home() -> None:
    wrong = [
        f"{path.relative_to(ROOT)}:{line} imports {name}; its home is {', '.join(sorted(HOMES[name.split('.')[0]]))}"
        for path in modules()
        for line, name in imports_of(path)
        if layer_of(path) not in HOMES.get(name.split(".")[0], {layer_of(path)})
    ]
    assert not wrong


def test_one_evaluator_speaks_a_language() -> None:
    """JMESPath is parsed with its library and compiled by us; the library's own evaluator is for tests to compare with."""
    grammar = ("jmespath.exceptions", "jmespath.lexer", "jmespath.parser")
    wrong = [
        f"{path.relative_to(ROOT)}:{line} imports {name}"
        for path in modules()
        for line, name in imports_of(path)
        if name.split(".")[0] == "jmespath" and not name.startswith(grammar)
    ]
    assert not wrong


def test_no_python_names_a_vendor() -> None:
    at_home = ("tests/", "syncflow/mock/", "mock_api.py")
    wrong = [
        name
        for path in tracked_files()
        if (name := path.relative_to(ROOT).as_posix()).endswith((".py", ".pyi")) and not name.startswith(at_home)
        if re.search("salesforce|hubspot", text_of(path), re.IGNORECASE)
    ]
    assert not wrong


def test_no_file_is_larger_than_a_megabyte() -> None:
    assert not [path.name for path in tracked_files() if path.stat().st_size > 1_000_000]


# Put together from parts, so that this file does not hold what it looks for.
FORBIDDEN = {
    "the address of a package index": "|".join(
        ("py" + r"pi\.org", "python" + r"hosted\.org", "npm" + r"js\.(org|com)")
    ),
    "the path of somebody's machine": "|".join(
        ("/" + r"work/(main|shared)", "/" + "tmp/", "/" + "home/[a-z]", "/" + "Users/[a-z]")
    ),
}


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_file_holds(what: str) -> None:
    pattern = re.compile(FORBIDDEN[what])
    assert not [str(path.relative_to(ROOT)) for path in tracked_files() if pattern.search(text_of(path))]


def test_what_counts_as_digits_can_be_read_as_a_number() -> None:
    """``"²".isdigit()`` is true, and ``int("²")`` fails: ``isdecimal`` asks what ``int`` reads."""
    lines = [
        f"{path.relative_to(ROOT)}: {line.strip()}"
        for path in sorted((ROOT / "syncflow").rglob("*.py"))
        for line in path.read_text("utf-8").splitlines()
        if ".isdigit(" in line and "isascii()" not in line and "code < 128" not in line
    ]
    assert lines == []


def test_no_test_gives_up_before_a_busy_machine_can_be_done() -> None:
    """``tests/test_patience.py`` says what counts as a limit."""
    tests = ROOT / "tests"
    found = [
        f"{path.relative_to(ROOT)}:{limit}"
        for path in sorted(tests.rglob("*.py"))
        for limit in short_limits(path.read_text("utf-8"))
    ]
    assert found == [], "write timeout=PATIENCE (tests/patience.py), or say on the line `# on purpose`"
