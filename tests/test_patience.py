"""No test depends on the machine's speed: where one gives up, only a hang can have taken so long.

A limit is written as ``PATIENCE`` of ``tests/patience.py``. Where a short time is what the test is about, its line says ``# on purpose``.
httpx gives up after five seconds where it is not told otherwise. ``tests/test_layers.py`` looks through all tests.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

LEAST_SECONDS = 300
SECOND_ARGUMENT = frozenset({"wait_for"})
FIRST_ARGUMENT = frozenset({"timeout", "timeout_at", "settimeout"})
"""``asyncio.timeout(5)``, ``pytest.mark.timeout(5)``, ``connection.settimeout(5)``."""

ENDS_OF_PROCESSES = frozenset({"wait", "join", "result"})
"""Their first argument is a limit where it is more than a pause."""
LONGEST_PAUSE_SECONDS = 4
OF_HTTPX = {f"httpx.{name}" for name in ("get", "post", "put", "patch", "delete", "request", "Client", "AsyncClient")}


def short_limits(text: str) -> Iterator[str]:
    """Yield each call that gives up after a number of seconds smaller than the least, with its line."""
    lines = text.splitlines()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call):
            for limit in _limits(node):
                if _seconds(limit) < LEAST_SECONDS and "# on purpose" not in lines[limit.lineno - 1]:
                    yield f"{limit.lineno}: {ast.unparse(node.func)}(… {ast.unparse(limit)})"


def _limits(call: ast.Call) -> Iterator[ast.expr]:
    named = {keyword.arg for keyword in call.keywords}
    if ast.unparse(call.func) in OF_HTTPX and not named & {"timeout", "transport"}:
        yield ast.Constant(5.0, lineno=call.lineno)
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    yield from (keyword.value for keyword in call.keywords if keyword.arg == "timeout")
    if name in SECOND_ARGUMENT:
        yield from call.args[1:2]
    elif name in FIRST_ARGUMENT:
        yield from call.args[:1]
    elif name in ENDS_OF_PROCESSES:
        yield from (limit for limit in call.args[:1] if LONGEST_PAUSE_SECONDS < _seconds(limit) < LEAST_SECONDS)


def _seconds(limit: ast.expr) -> float:
    """A limit that is no number written here is named elsewhere, and counts as long."""
    is_number = isinstance(limit, ast.Constant) and isinstance(limit.value, int | float)
    return limit.value if is_number else float("inf")  # type: ignore[attr-defined]


SHORT = """run(x, timeout=5)
asyncio.wait_for(x, 5)
asyncio.timeout(5)
process.wait(30)
httpx.get(url)
"""
LONG = """run(timeout=5)  # on purpose: it hangs
run(timeout=PATIENCE)
stopped.wait(0.1)
httpx.get(url, timeout=PATIENCE)
"""


def test_a_short_limit_is_found_however_it_is_written() -> None:
    assert [found.split(":")[0] for found in short_limits(SHORT)] == ["1", "2", "3", "4", "5"]
    assert [*short_limits(LONG)] == []
