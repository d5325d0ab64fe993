"""``python -m syncflow.compiler.functions > docs/functions.md`` writes the page of the library."""

from __future__ import annotations

import sys

from syncflow.compiler.functions.describe import render_library

sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]  # a real stream, when run
sys.stdout.write(render_library())
