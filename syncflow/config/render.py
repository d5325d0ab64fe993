"""Diagnostics as text for people, for editors and for machines."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any, Literal

from syncflow.config.codes import CODES, page, title
from syncflow.config.diagnostics import Diagnostic
from syncflow.config.quoting import hidden, quotable
from syncflow.config.replacements import replacement_of

Format = Literal["text", "concise", "json", "github", "sarif"]

_MAX_LINE = 160


def render(diagnostics: Sequence[Diagnostic], style: Format = "text") -> str:
    """Return the diagnostics in one of the formats, without a closing line break."""
    match style:
        case "text":
            return "\n\n".join(_text(diagnostic) for diagnostic in diagnostics)
        case "concise":
            return "\n".join(_concise(diagnostic) for diagnostic in diagnostics)
        case "json":
            told = [as_json(diagnostic) for diagnostic in diagnostics]
            return json.dumps({"schema_version": 1, "diagnostics": told}, indent=2, ensure_ascii=False)
        case "github":
            return "\n".join(_github(diagnostic) for diagnostic in diagnostics)
        case "sarif":
            return json.dumps(_sarif(diagnostics), indent=2, ensure_ascii=False)


def summary(diagnostics: Sequence[Diagnostic]) -> str:
    """Return ``2 errors, 1 warning``."""
    counts = Counter(diagnostic.severity for diagnostic in diagnostics)
    words = [
        f"{counts[kind]} {kind}{'s' if counts[kind] != 1 else ''}" for kind in ("error", "warning") if counts[kind]
    ]
    return ", ".join(words) or "no problems"


def _where(diagnostic: Diagnostic) -> str:
    span = diagnostic.span
    if span.line:
        return f"{span.file}:{span.line}:{span.column}"
    return f"{span.file} {diagnostic.path}" if diagnostic.path else span.file


def _headline(diagnostic: Diagnostic) -> str:
    mark = "" if diagnostic.is_error else "warning: "
    return f"{_where(diagnostic)}: {diagnostic.code} {mark}{diagnostic.message}{_with_profiles(diagnostic)}"


def _with_profiles(diagnostic: Diagnostic) -> str:
    names = diagnostic.profiles
    return f" (profile{'s' if len(names) > 1 else ''} {', '.join(names)})" if names else ""


def _text(diagnostic: Diagnostic) -> str:
    lines = [_headline(diagnostic), *_excerpt(diagnostic)]
    lines += [f"  {label:<10}{text}" for label, text in _details(diagnostic)]
    return "\n".join(lines)


def _details(diagnostic: Diagnostic) -> list[tuple[str, str]]:
    details = [("expected:", diagnostic.expected), ("found:", diagnostic.found)]
    if diagnostic.suggestion:
        details.append(("hint:", f"did you mean `{diagnostic.suggestion}`?"))
    details.append(("hint:", diagnostic.hint))
    return [(label, text) for label, text in details if text]


def _line(diagnostic: Diagnostic) -> str:
    """Return the line that is spoken of, without the secrets that may be written in it."""
    span, text = diagnostic.span, diagnostic.span.text
    if text is None:
        return ""
    line = quotable(text.line(span.line), text=text.text, path=diagnostic.path)
    if diagnostic.code != "SF517":
        return line
    end = span.end_column - 1 if span.end_line == span.line else len(line)
    return line[: span.column - 1] + hidden(line[span.column - 1 : end]) + line[end:]


def _excerpt(diagnostic: Diagnostic) -> list[str]:
    """Quote the line with a caret under what is meant; a long line is cut round it."""
    span = diagnostic.span
    line = _line(diagnostic)
    if not line.strip():
        return []
    start = span.column - 1
    end = span.end_column - 1 if span.end_line == span.line else len(line)
    cut = max(0, start - _MAX_LINE // 2) if len(line) > _MAX_LINE else 0
    shown = line[cut : cut + _MAX_LINE]
    before = "".join("\t" if character == "\t" else " " for character in shown[: start - cut])
    carets = "^" * max(1, min(end, cut + len(shown)) - start)
    number = str(span.line)
    return [f"  {number} | {shown}", f"  {' ' * len(number)} | {before}{carets}"]


def _concise(diagnostic: Diagnostic) -> str:
    return _headline(diagnostic) + (f" (did you mean `{diagnostic.suggestion}`?)" if diagnostic.suggestion else "")


def as_json(diagnostic: Diagnostic) -> dict[str, Any]:
    """Return a diagnostic as JSON; words that it does not have are left out."""
    span = diagnostic.span
    words = {name: getattr(diagnostic, name) for name in ("path", "expected", "found", "suggestion", "hint")}
    return {
        "code": diagnostic.code,
        "severity": diagnostic.severity,
        "message": diagnostic.message,
        "file": span.file,
        "line": span.line,
        "column": span.column,
        "end_line": span.end_line,
        "end_column": span.end_column,
        **{name: word for name, word in words.items() if word},
        **({"profiles": list(diagnostic.profiles)} if diagnostic.profiles else {}),
        **_replacement(diagnostic),
    }


def _replacement(diagnostic: Diagnostic) -> dict[str, Any]:
    """Return what to write instead and where, for an editor that applies it."""
    replacement = replacement_of(diagnostic)
    if replacement is None:
        return {}
    span = replacement.span
    place = {"line": span.line, "column": span.column, "end_line": span.end_line, "end_column": span.end_column}
    return {"replacement": {**place, "text": replacement.text}}


def _github(diagnostic: Diagnostic) -> str:
    span = diagnostic.span
    properties = {
        "file": span.file,
        "line": max(span.line, 1),
        "col": max(span.column, 1),
        "title": f"{diagnostic.code} {title(diagnostic.code)}",
    }
    if span.line == span.end_line and span.end_column > span.column:
        properties["endColumn"] = span.end_column - 1
    written = ",".join(f"{name}={_escaped(str(value), ',:')}" for name, value in properties.items())
    return f"::{diagnostic.severity} {written}::{_escaped(_long_message(diagnostic), '')}"


def _escaped(text: str, also: str) -> str:
    """GitHub's workflow commands take percent escapes for what would end a property or a line."""
    return "".join(f"%{ord(character):02X}" if character in "%\r\n" + also else character for character in text)


def _long_message(diagnostic: Diagnostic) -> str:
    return "\n".join(
        [diagnostic.message + _with_profiles(diagnostic), *(f"{label} {text}" for label, text in _details(diagnostic))]
    )


def _sarif(diagnostics: Sequence[Diagnostic]) -> dict[str, Any]:
    codes = sorted({diagnostic.code for diagnostic in diagnostics})
    driver = {"name": "syncflow", "rules": [_sarif_rule(code) for code in codes]}
    results = [_sarif_result(diagnostic, codes) for diagnostic in diagnostics]
    return {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}],
    }


def _sarif_rule(code: str) -> dict[str, Any]:
    return {
        "id": code,
        "shortDescription": {"text": title(code)},
        "help": {"text": page(code) if code in CODES else title(code)},
    }


def _sarif_result(diagnostic: Diagnostic, codes: Sequence[str]) -> dict[str, Any]:
    span = diagnostic.span
    region = {
        "startLine": max(span.line, 1),
        "startColumn": max(span.column, 1),
        "endLine": max(span.end_line, 1),
        "endColumn": max(span.end_column, 1),
    }
    location = {"physicalLocation": {"artifactLocation": {"uri": span.file}, "region": region}}
    return {
        "ruleId": diagnostic.code,
        "ruleIndex": codes.index(diagnostic.code),
        "level": diagnostic.severity,
        "message": {"text": _long_message(diagnostic)},
        "locations": [location],
    }
