"""YAML's syntax errors in plain words. In: PyYAML's exception. Out: a diagnostic with a place and a remedy."""

from __future__ import annotations

import re

import yaml

from syncflow.config.diagnostics import Diagnostic, FileText, Span

_SLOW_READING_LIMIT = 1_000_000

_WORDS: tuple[tuple[str, str, str], ...] = (
    (r"found character '\\t'", "a tab is used where only spaces may indent", "replace the tab with spaces"),
    (
        r"mapping values are not allowed",
        "a second `: ` stands in one value",
        "put the value in quotes if the colon belongs to it; if not, look at the indentation",
    ),
    (r"found character '([@`%|>])'", "a value may not begin with `{0}`", "put it in quotes"),
    (r"expected ',' or '\]'", "the list opened with `[` is not closed, or a comma is missing", "write `[a, b, c]`"),
    (
        r"expected ',' or '\}'",
        "the mapping opened with `{{` is not closed, or a comma is missing",
        "write `{{a: 1, b: 2}}`; a value with {{ }} inside must be in quotes",
    ),
    (
        r"unexpected end of stream|found unexpected document separator",
        "a quote is opened and never closed",
        "close the quote",
    ),
    (r"expected the node content, but found '<stream end>'", "the file ends inside a `[` or `{{`", "close it"),
    (
        r"expected the node content, but found '(.*)'",
        "a value was expected, found `{0}`",
        "put it in quotes if it is meant as text",
    ),
    (
        r"found unknown escape character '(.*)'",
        "`\\{0}` is no escape that double quotes know",
        "double the backslash, or use single quotes",
    ),
    (
        r"expected escape sequence of",
        "the number of an escaped character is not complete",
        "double the backslash, or use single quotes",
    ),
    (
        r"could not find expected ':'",
        "a line is neither `key: value` nor part of the value above it",
        "write a colon and a space after the key, or indent the line",
    ),
    (r"expected <block end>, but found '-'", "a list item stands where a key is expected", "check the indentation"),
    (r"expected <block end>, but found ':'", "a key is missing before the colon", "write `key: value`"),
    (
        r"expected <block end>, but found",
        "the indentation does not fit what stands above",
        "align it with the lines it belongs to",
    ),
    (r"found duplicate anchor", "the same anchor is defined twice", "rename one of them"),
    (r"expected '<document start>', but found '(.*)'", "`{0}` closes nothing", "remove it"),
    (
        r"expected chomping or indentation indicators",
        "text follows `|` or `>` on the same line",
        "begin the text on the next line, indented",
    ),
    (
        r"special characters are not allowed|control characters",
        "the file holds a control character",
        "remove it, or write it as an escape in double quotes",
    ),
    (
        r"expected alphabetic or numeric character",
        "a name must follow `*` or `&`",
        "put the value in quotes if it begins with that character",
    ),
    (
        r"incorrect indentation|while scanning a block scalar",
        "the text block is not indented evenly",
        "indent its lines with the same number of spaces",
    ),
)


def explain_syntax_error(error: yaml.YAMLError, file: FileText) -> Diagnostic:
    """Say what a syntax error means. The C parser's messages are terse, so the Python parser is asked once more."""
    if len(file.text) <= _SLOW_READING_LIMIT:
        error = _error_of_python_parser(file.text) or error
    problem = str(getattr(error, "problem", None) or getattr(error, "reason", None) or "it cannot be read")
    message, hint = _plain(problem)
    span = _place(error, file)
    if "values are not allowed" in problem and re.search(r":\s.*\s\?\s.*\s:\s", file.line(span.line)):
        hint = "a choice is written when(condition, value, otherwise)"
    before = file.line(span.line)[: span.column - 1].rstrip()
    if hint == "put it in quotes" and before.endswith(",") and "(" in before:
        hint = "put the whole value in quotes: between braces a comma ends it"
    return Diagnostic("SF100", span, message, hint=hint)


def _error_of_python_parser(text: str) -> yaml.YAMLError | None:
    try:
        for _ in yaml.parse(text, Loader=yaml.SafeLoader):
            pass
    except yaml.YAMLError as error:
        return error
    return None


def _plain(problem: str) -> tuple[str, str]:
    for pattern, message, hint in _WORDS:
        if match := re.search(pattern, problem):
            return message.format(*match.groups()), hint.format(*match.groups())
    return f"this is not YAML: {problem}", ""


def _is_unclosed(error: yaml.YAMLError) -> bool:
    words = str(getattr(error, "problem", ""))
    if "end of stream" in words or "<stream end>" in words:
        return True
    opening, problem = getattr(error, "context_mark", None), getattr(error, "problem_mark", None)
    return "expected ','" in words and bool(opening and problem and opening.line != problem.line)


def _place(error: yaml.YAMLError, file: FileText) -> Span:
    """An unclosed quote or bracket is shown where it opens: that is where it is mended."""
    problem, opening = getattr(error, "problem_mark", None), getattr(error, "context_mark", None)
    mark = opening if opening is not None and _is_unclosed(error) else problem
    if mark is not None:
        return Span(file.name, mark.line + 1, mark.column + 1, mark.line + 1, mark.column + 2, file)
    index = int(getattr(error, "position", 0) or 0)
    line = file.text.count("\n", 0, index) + 1
    column = index - (file.text.rfind("\n", 0, index) + 1) + 1
    return Span(file.name, line, column, line, column + 1, file)
