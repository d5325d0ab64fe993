"""A line quoted under a problem hides secrets that are written out, keeps its width, and hides nothing elsewhere."""

from __future__ import annotations

import pytest

from syncflow.config.model_errors import describe
from syncflow.config.quoting import quotable
from syncflow.config.yaml import read_text

ROUTES = "systems:\n  crm:\n"
AUTH = "profiles.live.systems.crm.auth"
CASES = [
    ("  auth: {token: abc-1, tokne: d}", AUTH + ".tokne", "  auth: {token: •••••, tokne: •}"),
    ("  auth: {token: abc, pin: 1234}", "", "  auth: {token: •••, pin: ••••}"),
    ("crm: {base_url: x, auth: {pin: '12, 34'}}", "systems.crm", "crm: {base_url: x, auth: {pin: •••• •••}}"),
    ("  pin: 1234", AUTH + ".pin", "  pin: ••••"),
    ("  - 1234", AUTH + ".pin", "  - ••••"),
    ("  token: {abc: d, e: f}", AUTH + ".token", "  token: {•••• •• •• •}"),
    ("crm: {base_url: x, auth: {pin: {abc: d}}}", AUTH + ".pin", "crm: {base_url: •, auth: {pin: {•••• •}}}"),
    ("  auth: {pin: abc}", AUTH, "  auth: {pin: •••}"),
    ("  token: [abc]", AUTH + ".token", "  token: [•••]"),
    ('  token: "abc', "", "  token: ••••"),
    ("  client_secret: ${SECRET}", AUTH, "  client_secret: ${SECRET}"),
    ('  auth: {token: "${TOKEN:-x}"}', AUTH, '  auth: {token: "${TOKEN:-•}"}'),
    ("  limits: {requests: 5/s}", "systems.crm.limits", "  limits: {requests: 5/s}"),
]


@pytest.mark.parametrize(("line", "path", "shown"), CASES, ids=[line.strip() for line, _, _ in CASES])
def test_written_out_secrets_are_hidden(line: str, path: str, shown: str) -> None:
    assert quotable(line, text=ROUTES + line, path=path) == shown
    assert len(shown) == len(line), "a caret below points at the same place"


def test_a_file_that_configures_no_system_is_quoted_as_it_stands() -> None:
    line = "  bearer: {token: secret}"
    assert quotable(line, text=f"adapter: crm\nauth:\n{line}\n", path="auth.bearer") == line


@pytest.mark.parametrize("before", ['{"source": ', "{version: 1, source: ", '{"version": 1, "sources": {"crm": '])
def test_a_file_that_is_one_line_of_json_hides_passwords_too(before: str) -> None:
    line = before + '{"sql": {"url": "mysql://reader:secret-word@host/db"}}}'
    assert quotable(line, text=line, path="source.sql") == line.replace("secret-word", "•" * 11)


@pytest.mark.parametrize("place", ["source", "journal", "postgres", "anything"])
def test_the_password_of_an_address_is_hidden_where_no_address_belongs(place: str) -> None:
    tree, _, _ = read_text(f'{place}: "postgresql://reader:secret-word@host/db"\n', name="routes.yaml")
    assert tree is not None
    assert describe(tree.entries[place].value) == f'the text "postgresql://reader:{"•" * 11}@host/db"'


def test_a_journal_alone_is_a_place_of_secrets() -> None:
    line = 'journal: {url: "postgresql://sync:secret-word@host/db", schem: x}'
    assert "secret-word" not in quotable(line, text=line, path="journal")
