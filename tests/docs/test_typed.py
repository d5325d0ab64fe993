"""What pages show of Python is typed as the package says: mypy, as strict as for the package itself."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.docs.blocks import ROOT, blocks


def test_python_blocks_are_typed(tmp_path: Path) -> None:
    shown = [block for block in blocks("python") if "import syncflow" in block.text]
    assert shown
    for block in shown:
        name = f"{block.path.stem}_{block.line}".replace("-", "_")
        (tmp_path / f"{name}.py").write_text(block.text, "utf-8")
    files = sorted(str(path) for path in tmp_path.glob("*.py"))
    done = subprocess.run([sys.executable, "-m", "mypy", *files], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
