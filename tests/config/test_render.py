"""Diagnostics for machines and editors; the text for people is tested by the cases."""

from __future__ import annotations

import json

from syncflow.config.diagnostics import Diagnostic, FileText, Span, arranged, did_you_mean
from syncflow.config.render import render, summary

FILE = FileText("routes.yaml", "version: 1\nsystems: {crm, a: 1}\n")
ERROR = Diagnostic(
    "SF201",
    Span("routes.yaml", 2, 11, 2, 14, FILE),
    "unknown key `crm`",
    expected="a, b",
    suggestion="cm",
    path="systems.crm",
)
WARNING = Diagnostic("SF408", Span("routes.yaml", 1, 1, 1, 8, FILE), "50% of it:\nnever used", severity="warning")


def test_diagnostics_are_arranged_by_place_and_said_once() -> None:
    assert arranged([ERROR, WARNING, ERROR]) == [WARNING, ERROR]


def test_concise_is_one_line_each() -> None:
    assert render([ERROR], "concise") == "routes.yaml:2:11: SF201 unknown key `crm` (did you mean `cm`?)"


def test_json_leaves_out_what_is_not_said() -> None:
    told = json.loads(render([ERROR], "json"))
    assert told["schema_version"] == 1
    (found,) = told["diagnostics"]
    assert found == {
        "code": "SF201",
        "severity": "error",
        "message": "unknown key `crm`",
        "file": "routes.yaml",
        "line": 2,
        "column": 11,
        "end_line": 2,
        "end_column": 14,
        "path": "systems.crm",
        "expected": "a, b",
        "suggestion": "cm",
        "replacement": {"line": 2, "column": 11, "end_line": 2, "end_column": 14, "text": "cm"},
    }


def test_github_annotations_escape_what_would_end_them() -> None:
    assert render([WARNING], "github") == (
        "::warning file=routes.yaml,line=1,col=1,title=SF408 A mapping of a route is never used,endColumn=7::"
        "50%25 of it:%0Anever used"
    )


def test_sarif_names_its_rules() -> None:
    (run,) = json.loads(render([WARNING, ERROR], "sarif"))["runs"]
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == ["SF201", "SF408"]
    assert [(each["ruleId"], each["ruleIndex"], each["level"]) for each in run["results"]] == [
        ("SF408", 1, "warning"),
        ("SF201", 0, "error"),
    ]
    assert run["results"][1]["locations"][0]["physicalLocation"]["region"] == {
        "startLine": 2,
        "startColumn": 11,
        "endLine": 2,
        "endColumn": 14,
    }


def test_a_long_line_is_cut_round_what_is_meant() -> None:
    line = "a: [" + "x, " * 200 + "oops]"
    file = FileText("f.yaml", line)
    column = line.index("oops") + 1
    shown = render([Diagnostic("SF203", Span("f.yaml", 1, column, 1, column + 4, file), "no")])
    _, quoted, carets = shown.splitlines()
    assert len(quoted) < 180
    assert quoted[carets.index("^") : carets.rindex("^") + 1] == "oops"


def test_tabs_before_the_caret_stay_tabs() -> None:
    file = FileText("f.yaml", "\tkey: x")
    assert render([Diagnostic("SF201", Span("f.yaml", 1, 2, 1, 5, file), "no")]).splitlines()[2] == "    | \t^^^"


def test_settings_without_a_file_are_named_by_their_path() -> None:
    nowhere = Span("(changes)", 0, 1, 0, 1, FileText("(changes)", ""))
    assert render([Diagnostic("SF401", nowhere, "no", path="routes[0].to")]) == "(changes) routes[0].to: SF401 no"


def test_a_summary_counts() -> None:
    assert summary([ERROR, ERROR, WARNING]) == "2 errors, 1 warning"
    assert summary([]) == "no problems"


def test_a_slip_is_recognised_and_nothing_else() -> None:
    assert did_you_mean("limit", ["limits", "timeout"]) == "limits"
    assert did_you_mean("BASE-URL", ["base_url"]) == "base_url"
    assert did_you_mean("zzz", ["limits"]) == ""
    assert did_you_mean("same", ["same"]) == ""
