"""Other packages bring kinds of sources and adapters by entry points: validated as ours, listed, and loaded only where they are named."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import reduce
from pathlib import Path
from textwrap import dedent

import pytest

from tests.compiler.projects import write_project

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "examples" / "package"
FILES = {
    "routes.yaml": """\
source:
  lighthouse: {tower: eddystone, readings: 5}
records:
  readings: {schema: reading.yaml}
systems:
  log: {adapter: lighthouse, auth: {key: "${LAMP_KEY}"}}
routes:
  - to: log
    mapping: line.yaml
    operations: {delete: ignore}
""",
    "reading.yaml": """\
type: object
required: [id]
properties:
  id: {type: string, minLength: 1}
  height: {type: number}
""",
    "line.yaml": """\
source: readings
target: lighthouse/line
key: ref
fields: {ref: item.id, height: item.height}
""",
}


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the example package, installed by pip as anybody would, but from here and without a network."""
    folder = tmp_path_factory.mktemp("installed")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--no-index"]
    copied = tmp_path_factory.mktemp("copied") / "package"
    subprocess.run(["cp", "-r", str(PACKAGE), str(copied)], check=True)
    subprocess.run([*pip, "--no-build-isolation", "--target", str(folder), str(copied)], check=True)
    return folder


def brought(folder: Path, name: str, entry_points: str, module: str = "") -> Path:
    """Write what pip would leave of a package that says so little, and its module."""
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n", "utf-8")
    (info / "entry_points.txt").write_text(dedent(entry_points), "utf-8")
    (folder / f"{name}.py").write_text(module, "utf-8")
    return folder


def said(folder: Path, packages: Path, *command: str) -> tuple[int, str]:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, (packages, ROOT))), "LAMP_KEY": "lamp-key-7"}
    ran = subprocess.run(
        [sys.executable, *command], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    return ran.returncode, ran.stdout + ran.stderr


def syncflow(folder: Path, packages: Path, *command: str) -> tuple[int, str]:
    return said(folder, packages, "-m", "syncflow", *command)


def project(folder: Path, **changed: str) -> Path:
    folder.mkdir(exist_ok=True)
    for name, text in FILES.items():
        written = reduce(lambda found, change: found.replace(*change), changed.items(), text)
        (folder / name).write_text(written, "utf-8")
    return folder


RUN = """
import httpx, json, syncflow
sent = []
def answer(request):
    sent.append((request.url.path, json.loads(request.content)))
    return httpx.Response(200, json={})
for _ in range(2):
    result = syncflow.run("routes.yaml", transport=httpx.MockTransport(answer))
    print(json.dumps([result.read, result.delivered, result.clean]))
print(json.dumps(sorted(sent)))
"""


def test_a_project_of_a_package_s_source_and_adapter_runs_and_goes_on_where_it_ended(
    installed: Path, tmp_path: Path
) -> None:
    code, text = said(project(tmp_path), installed, "-c", RUN)
    assert code == 0, text
    first, second, sent = map(json.loads, text.splitlines())
    assert (first, second) == ([5, 5, True], [0, 0, True])
    assert sent == [[f"/lines/eddystone-{n}", {"ref": f"eddystone-{n}", "height": n * 0.5}] for n in range(1, 6)]


def test_it_is_validated_as_ours_are(installed: Path, tmp_path: Path) -> None:
    assert syncflow(project(tmp_path), installed, "validate") == (0, "routes.yaml: no problems\n")
    slips = project(tmp_path, readings="readngs")
    (slips / "reading.yaml").write_text(FILES["reading.yaml"], "utf-8")
    text = syncflow(slips, installed, "validate")[1]
    assert "SF201 unknown key `readngs` in `source.lighthouse`" in text
    assert "did you mean `readings`?" in text
    text = syncflow(project(tmp_path, **{": 5}": ": five}"}), installed, "validate")[1]
    assert "expected: a whole number" in text
    text = syncflow(project(tmp_path, **{"source:\n  lighthouse": "source:\n  lighthous"}), installed, "validate")[1]
    assert "SF201 unknown key `lighthous` in `source`" in text
    assert "did you mean `lighthouse`?" in text
    text = syncflow(project(tmp_path, height="heigth"), installed, "validate")[1]
    assert "heigth" in text
    assert "SF406 there is no adapter `lighthous`" in (
        said_ := syncflow(project(tmp_path, **{"adapter: lighthouse": "adapter: lighthous"}), installed, "validate")[1]
    ), said_
    assert "did you mean `lighthouse`?" in said_


def test_it_is_listed_and_described_as_ours_are(installed: Path, tmp_path: Path) -> None:
    assert "syncflow-lighthouse" in syncflow(tmp_path, installed, "adapters", "list")[1]
    text = syncflow(tmp_path, installed, "docs", "source.lighthouse.tower")[1]
    assert "The lighthouse's name." in text
    assert "Readings of a lighthouse." in syncflow(tmp_path, installed, "docs", "source.lighthouse")[1]
    assert "X-Lamp-Key" in syncflow(tmp_path, installed, "adapters", "show", "lighthouse")[1]
    assert syncflow(tmp_path, installed, "schema", "export", "schemas")[0] == 0
    routes = json.loads(next((tmp_path / "schemas").glob("*routes*.json")).read_text("utf-8"))
    assert {"tower", "readings"} == set(routes["$defs"]["LighthouseSource"]["properties"])
    assert {"required": ["lighthouse"]}.items() <= routes["$defs"]["SourceSettings"]["oneOf"][-1].items()


def test_nothing_of_a_package_is_loaded_before_it_is_named(tmp_path: Path) -> None:
    points = """
        [syncflow.sources]
        broken = broken:KIND
        file = broken:KIND
        [syncflow.adapters]
        broken = broken
        """
    packages = brought(tmp_path / "packages", "broken", points, "raise RuntimeError('I was imported')")
    write_project(tmp_path / "p")
    code, text = syncflow(tmp_path / "p", packages, "validate")
    assert "I was imported" not in text
    assert code == 0, text


@pytest.mark.parametrize(
    ("module", "expected"),
    [
        ("raise RuntimeError('no lamp oil')", "the source `lighthouse` of the package oil cannot be loaded"),
        ("KIND = 7", "the package oil does not say what its source `lighthouse` is"),
        ("OTHER = 7", "the source `lighthouse` of the package oil cannot be loaded"),
    ],
)
def test_a_package_that_cannot_be_used_is_a_diagnostic(module: str, expected: str, tmp_path: Path) -> None:
    points = "[syncflow.sources]\nlighthouse = oil:KIND\n"
    code, text = syncflow(project(tmp_path / "p"), brought(tmp_path / "packages", "oil", points, module), "validate")
    assert (code, "Traceback" in text) == (1, False)
    assert f"routes.yaml:2:3: SF205 {expected}" in text


def test_two_packages_that_bring_one_name_are_told(tmp_path: Path) -> None:
    points = "[syncflow.sources]\nlighthouse = {}:KIND\n"
    for name in ("oil", "wax"):
        brought(tmp_path / "packages", name, points.format(name))
    text = syncflow(project(tmp_path / "p"), tmp_path / "packages", "validate")[1]
    assert "the packages oil and wax both bring a source `lighthouse`" in text
