"""The programs of a simulation: one project in several variants, between which a run is reloaded.

Compiling takes half a second, so batch size and attempts are set on what was compiled.
"""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Literal

from syncflow.compiler.build import build
from syncflow.compiler.program import Program
from syncflow.compiler.wire.system import SystemPlan
from syncflow.config.project import load_project

PROJECT = Path(__file__).parent / "project" / "routes.yaml"

Variant = Literal["usual", "renamed", "gone", "mapped", "loose"]
"""``renamed``: a route has another name, and limits are tighter. ``gone``: the route GONE is not there. ``mapped``: the mapping of
the ledger writes another text, that of the mailing list another field. ``loose``: no route says ``after``."""

GONE = "book"
"""The route to the ledger: what it sent is never taken back, so that its absence shows in no other event than those of its time."""

TEXTS: dict[Variant, str] = {"usual": "n", "renamed": "n", "gone": "n", "mapped": "m", "loose": "n"}
"""How the texts of a variant begin."""


@lru_cache
def program_of(project: Path, version: str, batch: int, *, variant: Variant = "usual", attempts: int = 1000) -> Program:
    """Return the simulated project as a program with this batch size and this many attempts."""
    program = compiled(project, version, variant)
    retry = replace(program.retry, attempts=attempts)
    systems = {name: replace(_with_batch(plan, batch), retry=retry) for name, plan in program.systems.items()}
    return replace(program, systems=systems, retry=retry)


@lru_cache
def compiled(project: Path, version: str, variant: Variant) -> Program:
    """Compile a variant of the simulated project."""
    names = ("people", "list") if variant == "renamed" else ("list", "people")
    environment = {
        "SIM_VERSION": version,
        "SIM_NAME": names[0],
        "SIM_WAS": names[1],
        "SIM_RATE": "7" if variant == "renamed" else "12",
        "SIM_LEDGER": "mappings/ledger_mapped.yaml" if variant == "mapped" else "mappings/ledger.yaml",
        "SIM_MAILING": "mappings/mailing_mapped.yaml" if variant == "mapped" else "mappings/mailing.yaml",
    }
    if variant not in {"gone", "loose"}:
        return build(load_project(project, environment=environment))
    with tempfile.TemporaryDirectory() as directory:
        changed = _without_route if variant == "gone" else _without_after
        copy = Path(shutil.copytree(project.parent, Path(directory) / "project")) / project.name
        copy.write_text(changed(copy.read_text("utf-8")), "utf-8")
        return build(load_project(copy, environment=environment))


def _without_route(text: str) -> str:
    head, _, rest = text.partition(f"  - name: {GONE}\n")
    return head + rest[rest.index("  - name: ") :]


def _without_after(text: str) -> str:
    return "".join(line for line in text.splitlines(keepends=True) if not line.startswith("    after: "))


def _with_batch(plan: SystemPlan, batch: int) -> SystemPlan:
    """Return a plan with another batch size; an operation that takes single records stays so."""
    operations = {
        action: replace(operation, batch_records=min(batch, operation.batch_records))
        for action, operation in plan.operations.items()
    }
    return replace(plan, operations=operations)


def text_of(fingerprint: str, project: Path, version: str) -> str:
    """Return how the texts of the program with this fingerprint, which may be cut short, begin."""
    return TEXTS[_variant(fingerprint, project, version)]


def has_gone(fingerprint: str, project: Path, version: str) -> bool:
    """Whether the program with this fingerprint lacks the route GONE."""
    return _variant(fingerprint, project, version) == "gone"


def _variant(fingerprint: str, project: Path, version: str) -> Variant:
    return next(each for each in TEXTS if compiled(project, version, each).fingerprint.startswith(fingerprint))
