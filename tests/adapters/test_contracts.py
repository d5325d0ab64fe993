"""Contracts, case by case: deliveries → the exact requests, answers → the outcome of every delivery. The cases are files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from syncflow.adapters.gate import OpenGate
from syncflow.events import BatchResult
from syncflow.testing import run_virtually
from tests.adapters.kit import Network, adapter, adopting, batch, delivery, load_cases, plan, send, shipped, written

CASES = Path(__file__).parent / "cases"
ROOT = Path(__file__).parents[2]


def _cases() -> list[Any]:
    found = []
    for path in sorted(CASES.glob("*.yaml")):
        suite = load_cases(path)
        found += [pytest.param(suite, case, id=f"{path.stem}: {case['name']}") for case in suite["cases"]]
    return found


@pytest.mark.parametrize(("suite", "case"), _cases())
def test_contract(suite: dict[str, Any], case: dict[str, Any], tmp_path: Path) -> None:
    document = _document(suite, tmp_path)
    defaults = {**suite.get("deliveries", {}), **case.get("each", {})}
    deliveries = [
        delivery(number, **{**defaults, **given}) for number, given in enumerate(case.get("deliveries", [{}]), start=1)
    ]
    system = plan(document, **{**suite.get("system", {}), **case.get("system", {})})
    if "adopt" in case:
        system = adopting(system, case["adopt"], key=deliveries[0].key.name)
    network = Network(list(case["exchange"]), sign_in=suite.get("sign_in", "") if case.get("signs_in", True) else "")
    result = run_virtually(send(system, network, batch(deliveries), gate=OpenGate()))
    assert not network.script, "requests that were expected and not sent"
    if "tokens" in case:
        assert network.tokens == case["tokens"]
    check_result(result, case, document.text.splitlines())


def _document(suite: dict[str, Any], directory: Path) -> Any:
    if "text" in suite:
        return written(suite["text"], directory)
    return adapter(ROOT / suite["path"]) if "path" in suite else shipped(suite["adapter"])


def check_result(result: BatchResult, case: dict[str, Any], lines: list[str]) -> None:
    """Compare what became of a batch with what a case says."""
    signal = None if result.signal is None else {"kind": result.signal.kind, "wait": result.signal.wait_seconds}
    expected_signal = case.get("signal")
    if isinstance(expected_signal, str):
        expected_signal = {"kind": expected_signal}
    assert (signal is None) == (expected_signal is None), result
    if signal and expected_signal:
        reason = expected_signal.pop("reason", "") if "reason" in expected_signal else ""
        assert result.signal is not None
        assert reason in result.signal.reason
        assert {name: signal[name] for name in expected_signal} == expected_signal
        if result.signal.kind == "split":
            return
    for outcome, wanted in zip(result.outcomes, case["outcomes"], strict=True):
        expected = {"verdict": wanted} if isinstance(wanted, str) else dict(wanted)
        rule = expected.pop("rule", None)
        if rule is not None:
            assert rule in lines[int(outcome.rule.rpartition(":")[2]) - 1]
        words = expected.pop("says", "")
        assert words in outcome.message
        found = {name: getattr(outcome, {"wait": "wait_seconds"}.get(name, name)) for name in expected}
        assert found == expected, outcome
