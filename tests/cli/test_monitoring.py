"""The dashboard and the alert rules of ``examples/monitoring``: they name metrics that are, and each rule sees the fault that it is for."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from syncflow.adapters.gate import Gate
from syncflow.compiler.wire.system import SystemPlan
from syncflow.events import Batch, BatchResult, Outcome, Signal, Verdict
from syncflow.mock.server import Running
from syncflow.runtime.desk.gauges import gauges
from syncflow.runtime.engine import Engine
from syncflow.runtime.journal.base import Commit, Known, Wanted
from syncflow.runtime.journal.sqlite.journal import SqliteJournal
from syncflow.runtime.measures import Measures
from syncflow.runtime.metric_families import RunCollector
from syncflow.runtime.metric_names import METRICS
from syncflow.runtime.observe import WorkerTally
from syncflow.runtime.run_name import RunName
from syncflow.sources.base import Lag, Report
from syncflow.testing import FakeSystems, ListSource, VirtualClock, run_virtually
from tests.cli.test_run import started
from tests.patience import until
from tests.runtime.programs import event, program
from tests.servers.prometheus import promtool, running

HOME = Path(__file__).resolve().parents[2] / "examples" / "monitoring"
RULES = HOME / "syncflow.rules.yml"
ALERTS = [rule for group in yaml.safe_load(RULES.read_text("utf-8"))["groups"] for rule in group["rules"]]
DASHBOARD = json.loads((HOME / "grafana-dashboard.json").read_text("utf-8"))
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
QUERIES = [target["expr"] for panel in PANELS for target in panel["targets"]]
ASKED = {name for rule in ALERTS for name in re.findall(r"\bsyncflow_\w+", rule["expr"])}
SELDOM = (
    " > 0",
    "syncflow_source_lag",
    "syncflow_slot",
    "syncflow_limiter",
    "syncflow_system_wait",
    "syncflow_dead_letters_open",
    "syncflow_worker",
    "syncflow_paused",
    "syncflow_shares",
)
"""Parts of queries that give nothing while all goes well."""

NAMED = RunName("1m8k52t8q8r0z", "crm-1")
TYPES = {"lead": "stopping", "customer": "silent", "vendor": "busy"}


def exposed_names() -> set[str]:
    parts = {"histogram": ("_bucket", "_count", "_sum")}
    return {metric.exposed + part for metric in METRICS.values() for part in parts.get(metric.type, ("",))}


def names_in(expression: str) -> set[str]:
    return set(re.findall(r"\bsyncflow_\w+", expression))


def test_the_dashboard_and_the_rules_name_metrics_that_are_and_the_dashboard_shows_all() -> None:
    shown = {name for query in QUERIES for name in names_in(query)}
    assert shown | ASKED <= exposed_names()
    whole = {re.sub(r"_(bucket|count|sum)$", "", name) for name in shown}
    assert {metric.exposed for metric in METRICS.values()} - whole == set()


def test_the_dashboard_is_one_that_grafana_takes() -> None:
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
    cells = [
        (x, y)
        for panel in DASHBOARD["panels"]
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]
    assert len(cells) == len(set(cells)), "panels lie over each other"
    assert max(x for x, _ in cells) == 23
    assert all(panel["title"] and panel["description"] and panel["fieldConfig"]["defaults"]["unit"] for panel in PANELS)
    variables = {variable["name"] for variable in DASHBOARD["templating"]["list"]}
    used = {name for query in QUERIES for name in re.findall(r"\$(\w+)", query)} - {"__rate_interval"}
    assert used == variables - {"datasource"}


def test_every_rule_says_what_happened_and_what_to_do() -> None:
    for rule in ALERTS:
        assert rule["labels"]["severity"] in {"critical", "warning"}
        assert set(rule["annotations"]) == {"summary", "description"}
        assert rule["alert"].startswith("Syncflow")


class SickSource(ListSource):
    """Far behind, stopped by a guard, losing something, and asked by strangers."""

    def __init__(self, events: Sequence[Mapping[str, Any]]) -> None:
        super().__init__(events)
        self._reports = [Report("guarded", "too much was gone"), Report("missed", "10 bytes were lost")]

    def lag(self) -> Mapping[str, Lag]:
        return {"slot": Lag(events=20_000, seconds=5_000.0, slot_bytes=6 * 10**9)}

    def reports(self) -> Sequence[Report]:
        told, self._reports = self._reports, []
        return told

    @property
    def requests(self) -> Mapping[str, int]:
        return {"bad_signature": 5}


class SickSystem:
    """Stops, says nothing, or refuses for rate, by its name."""

    def __init__(self, plan: SystemPlan, gate: Gate) -> None:
        self._name, self._gate = plan.name, gate

    async def send(self, batch: Batch) -> BatchResult:
        async with self._gate.request() as slot:
            assert slot is not None
            outcomes = (Outcome(Verdict.RETRY, counts=False),) * len(batch.deliveries)
            if self._name == "stopping":
                slot.ended = "4xx"
                return BatchResult(outcomes, Signal("stop", reason="not signed in"))
            if self._name == "silent":
                slot.ended = "no_answer"
                return BatchResult(outcomes)
            slot.ended = "429"
            return BatchResult(outcomes, Signal("throttle", 1.0, "too many", by="Retry-After"))

    async def close(self) -> None:
        return None


class SlowJournal(SqliteJournal):
    """Takes two seconds to write a chunk."""

    async def commit(self, commit: Commit, *, ahead: Wanted | None = None) -> Known | None:
        await VirtualClock().sleep(2.0)
        return await super().commit(commit, ahead=ahead)


Samples = dict[str, tuple[str, float]]
"""Series as Prometheus writes it → its family's type and its value."""


def lived(path: Path, *, sick: bool) -> Samples:
    """Live through a day, and return what a scrape at its end shows; a sick one looks at the journal two hours later."""
    events = [event(name, contact_type=kind) for kind in TYPES for name in (f"{kind}1", f"{kind}2")]

    async def main() -> Samples:
        clock, measures = VirtualClock(), Measures()
        journal = (SlowJournal if sick else SqliteJournal)(path, inline=True, now=clock.now)
        lost = [event(f"lost{number}", contact_type="nobody") for number in range(30)] if sick else []
        engine = Engine(
            program(types=TYPES),
            source=SickSource(events + lost) if sick else ListSource(events),
            journal=journal,
            systems=SickSystem if sick else FakeSystems(latency_seconds=0.1),
            clock=clock,
            measures=measures,
            wait_seconds=5.0,
        )
        await engine.run()
        # It has its journal for itself: how it would stand among others.
        worker = (
            WorkerTally(waiting=1, unheld=2, takeovers=6, lost=3, silent_seconds=8.0)
            if sick
            else WorkerTally(holds=("reading",))
        )
        found = gauges(path)
        later = clock.now() + 7_200
        registry = CollectorRegistry()
        registry.register(
            RunCollector(
                lambda: replace(engine.snapshot(), worker=worker),
                measures=measures,
                gauges=lambda: found,
                now=lambda: later,
                name=NAMED,
            )
        )
        return dict(_samples(generate_latest(registry).decode()))

    return run_virtually(main())


def _samples(text: str) -> Iterator[tuple[str, tuple[str, float]]]:
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = {**sample.labels, "job": "syncflow", "instance": "one"}
            written = ", ".join(f"{name}={json.dumps(value)}" for name, value in labels.items())
            yield f"{sample.name}{{{written}}}", (family.type, sample.value)


def series(calm: Samples, sick: Samples) -> list[dict[str, str]]:
    """Let a quarter of an hour be calm, and then a day sick: what is counted goes on rising, and what waits grows."""
    found = []
    for name in {**calm, **sick}:
        if name.partition("{")[0] not in ASKED:
            continue
        before, (type_, after) = calm.get(name), sick.get(name) or calm[name]
        grows = type_ != "gauge" or name.startswith("syncflow_source_lag_events")
        step = after if grows else 0.0
        first = "_x3" if before is None else f"{before[1]}+0x3"
        found.append({"series": name, "values": f"{first} {after}+{step}x360"})
    return found


def firing(alert: str, count: int) -> dict[str, Any]:
    expression = f'count(ALERTS{{alertname="{alert}", alertstate="firing"}}) or vector(0)'
    return {"expr": expression, "eval_time": "30h", "exp_samples": [{"labels": "{}", "value": count}]}


def test_every_rule_fires_on_a_run_with_its_fault_and_none_on_a_good_one(tmp_path: Path) -> None:
    calm, sick = lived(tmp_path / "calm.db", sick=False), lived(tmp_path / "sick.db", sick=True)
    up, down = ({"series": 'up{job="syncflow", instance="one"}', "values": f"{value}+0x360"} for value in (1, 0))
    none = {"expr": "count(ALERTS) or vector(0)", "eval_time": "30h", "exp_samples": [{"labels": "{}", "value": 0}]}
    counts = {rule["alert"]: 1 for rule in ALERTS} | {"SyncflowDeliveriesOld": len(TYPES)}
    tests = {
        "rule_files": [str(RULES)],
        "evaluation_interval": "5m",
        "tests": [
            {"interval": "5m", "input_series": [*series(calm, calm), up], "promql_expr_test": [none]},
            {
                "interval": "5m",
                "input_series": [*series(calm, sick), down],
                "promql_expr_test": [firing(alert, count) for alert, count in counts.items()],
            },
        ],
    }
    (tmp_path / "tests.yml").write_text(json.dumps(tests), "utf-8")
    promtool("check", "rules", RULES)
    promtool("check", "config", HOME / "prometheus.yml")
    promtool("test", "rules", tmp_path / "tests.yml")


def test_a_real_prometheus_scrapes_a_run_and_answers_every_query_of_the_dashboard(project: Path, mock: Running) -> None:
    with started(project, mock, "--metrics", "0", "--quiet") as run:
        try:
            assert run.stderr is not None
            target = run.stderr.readline().split("//")[1].split("/")[0]
            with running(target=target, rules=RULES) as server:
                until(lambda: server.result('min_over_time(syncflow_request_seconds_count{outcome="2xx"}[1m]) > 1'))
                for query in map(filled, QUERIES):
                    if not any(part in query for part in SELDOM):
                        until(lambda query=query: server.result(query), otherwise=query)  # type: ignore[misc]
                    else:
                        server.result(query)
                rules = server.ask("rules")["groups"][0]["rules"]
                assert [(rule["name"], rule["health"]) for rule in rules] == [(rule["alert"], "ok") for rule in ALERTS]
                assert [alert["labels"]["alertname"] for alert in server.ask("alerts")["alerts"]] == []
        finally:
            run.terminate()
            run.communicate()


def filled(query: str) -> str:
    return re.sub(r"\$(job|instance|system|route)\b", ".*", query.replace("$__rate_interval", "1m"))


@pytest.mark.parametrize("page", ["README.md"])
def test_the_page_names_every_file_and_every_alert(page: str) -> None:
    text = (HOME / page).read_text("utf-8")
    assert [name.name for name in HOME.iterdir() if name.name not in text and name.name != page] == []
    assert [rule["alert"] for rule in ALERTS if rule["alert"] not in text] == []
