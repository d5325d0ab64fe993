"""A copy of the repository in which one file at a time is changed and tests are run."""

from __future__ import annotations

import compileall
import os
import py_compile
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.mutants.mutant import ROOT

_LEFT_OUT = shutil.ignore_patterns(
    ".git", ".venv", "__pycache__", "node_modules", ".*_cache", "build", "dist", ".syncflow"
)
SECONDS = 300.0
"""Longest time for the tests of one mutant; a change that makes them hang is noticed, too."""


@dataclass(frozen=True, slots=True)
class Workplace:
    """One worker's copy. Not for use by two at a time."""

    path: Path

    @staticmethod
    def make(path: Path) -> Workplace:
        shutil.copytree(ROOT, path, ignore=_LEFT_OUT)
        # Checked by the hash of its source, byte code stays right under a change that keeps a file's seconds and size.
        checked = py_compile.PycInvalidationMode.CHECKED_HASH
        compileall.compile_dir(path / "syncflow", quiet=2, force=True, invalidation_mode=checked)
        return Workplace(path)

    def is_noticed(self, file: str, text: str, tests: tuple[str, ...]) -> bool:
        """Return whether a test fails while ``file`` has this text; the file is as before afterwards."""
        target = self.path / file
        original = target.read_text("utf-8")
        target.write_text(text, "utf-8")
        try:
            return not self.passes(tests)
        finally:
            target.write_text(original, "utf-8")

    def passes(self, tests: tuple[str, ...]) -> bool:
        """Run tests in the copy; a run that does not end in time fails."""
        command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "--timeout=120", *tests]
        # No byte code is written: it would be told from its source by seconds and size only.
        environment = os.environ | {"PYTHONPATH": str(self.path), "PYTHONDONTWRITEBYTECODE": "1", "PYTHONHASHSEED": "0"}
        try:
            ended = subprocess.run(
                command, cwd=self.path, env=environment, capture_output=True, timeout=SECONDS, check=False
            )
        except subprocess.TimeoutExpired:
            return False
        if ended.returncode not in {0, 1, 2, 3}:  # 4 and 5: a wrong path, or no test at all
            raise SystemExit(f"pytest {' '.join(tests)}: {ended.stdout.decode()}{ended.stderr.decode()}")
        return ended.returncode == 0
