"""What loading a project gives."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from syncflow.config.models.mapping import Constant, Recipe
from syncflow.config.project import Project, load_project, read_project
from syncflow.config.scalars import Rate
from syncflow.errors import ProjectError
from tests.config.projects import PROJECT, copy_project
from tests.effort import examples

ROUTES = PROJECT / "routes.yaml"


def good(**environment: str) -> Project:
    return load_project(ROUTES, environment=environment)


def codes(directory: Path, *, offline: bool = False, profile: str | None = None) -> list[str]:
    _, diagnostics = read_project(directory / "routes.yaml", environment={}, offline=offline, profile=profile)
    return [diagnostic.code for diagnostic in diagnostics]


def replace(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def test_a_project_holds_every_file_that_it_names() -> None:
    project = good()
    assert set(project.schemas) == {"contacts"}
    assert {path.name for path in project.mappings} == {"crm_contact.yaml", "news_person.yaml"}
    assert set(project.adapters) == {"crm", "news"}
    assert set(project.objects) == {("crm", "Contact"), ("news", "person")}


def test_a_field_of_a_mapping_is_an_expression_a_constant_or_a_recipe() -> None:
    fields = good().mapping("mappings/crm_contact.yaml").model.fields
    assert fields["Our_Id"] == "item.id"
    assert fields["Origin"] == Constant(value="syncflow")
    kind = fields["Kind"]
    assert isinstance(kind, Recipe)
    assert kind.table == {"lead": "Lead"}
    assert "default" in kind.model_fields_set


def test_a_projects_object_file_adds_to_the_adapters() -> None:
    merged = good().objects["crm", "Contact"]
    assert set(merged.model.fields) == {"Name", "Email", "Origin", "Our_Id", "Kind"}
    assert merged.model.fields["Our_Id"].unique
    assert merged.span("Our_Id").file.endswith("project/objects/crm_Contact.yaml")
    assert merged.span("Name").file.endswith("adapters/objects/crm_Contact.yaml")


def test_a_projects_object_file_overrides_a_field_key_by_key(tmp_path: Path) -> None:
    routes = copy_project(tmp_path)
    (tmp_path / "objects/crm_Contact.yaml").write_text(
        "object: Contact\nfields:\n  Our_Id: {}\n  Kind: {}\n  Name: {length: 40}\n"
    )
    name = load_project(routes, environment={}).objects["crm", "Contact"].model.fields["Name"]
    assert (name.length, name.required) == (40, True)


def test_an_object_may_be_described_by_the_project_alone(tmp_path: Path) -> None:
    routes = copy_project(tmp_path)
    (tmp_path / "objects/news_reader.yaml").write_text("object: reader\nfields: {id: {unique: true}, greeting: {}}\n")
    replace(tmp_path / "mappings/news_person.yaml", "news/person", "news/reader")
    assert ("news", "reader") in load_project(routes, environment={}).objects


def test_yml_and_yaml_are_one_ending(tmp_path: Path) -> None:
    routes = copy_project(tmp_path)
    for name in ("schemas/contact", "mappings/crm_contact", "adapters/news", "adapters/objects/crm_Contact"):
        (tmp_path / f"{name}.yaml").rename(tmp_path / f"{name}.yml")
    assert set(load_project(routes, environment={}).adapters) == {"crm", "news"}


def test_variables_are_read_as_their_place_expects() -> None:
    project = good(RATE="9", BATCH="25")
    source = project.routes.model.source
    assert source is not None
    assert source.generate is not None
    assert source.generate.rate == Rate(9.0, 1.0)
    assert project.routes.model.systems["crm"].batch.records == 25


@pytest.mark.parametrize(
    ("asked", "environment", "picked"),
    [
        (None, {}, "mock"),
        (None, {"MOCK_MODE": "true"}, "mock"),
        (None, {"MOCK_MODE": "false"}, "live"),
        (None, {"MOCK_MODE": "FALSE"}, "live"),
        ("live", {"MOCK_MODE": "true"}, "live"),
        (None, {"SYNCFLOW_PROFILE": "live", "MOCK_MODE": "true"}, "live"),
        ("mock", {"SYNCFLOW_PROFILE": "live"}, "mock"),
    ],
)
def test_a_profile_is_picked(asked: str | None, environment: dict[str, str], picked: str) -> None:
    environment = {**environment, "CRM_URL": "https://crm.example", "CRM_TOKEN": "t"}
    assert load_project(ROUTES, profile=asked, environment=environment).profile == picked


def test_a_profile_is_laid_over_the_file_and_keeps_its_places() -> None:
    project = good()
    assert project.routes.model.systems["crm"].base_url == "http://127.0.0.1:8000/crm"
    assert project.routes.model.systems["crm"].limits.in_flight == 4
    assert project.routes.span("systems", "crm", "base_url").line == 22
    assert project.routes.span("systems", "crm", "limits").line == 10


@pytest.mark.parametrize(
    ("change", "kinds"),
    [
        ({"source": {"file": {"path": "a.jsonl"}}}, {("source",): "file"}),
        ({"source": {"generate": {"count": 3}}}, {("source",): "generate"}),
        ({"sources": {"a": {"file": {"path": "a.jsonl"}}}}, {("sources", "a"): "file"}),
    ],
)
def test_another_source_takes_the_place_of_the_one_before(
    change: dict[str, object], kinds: dict[tuple[str, ...], str]
) -> None:
    changed = good().with_changes(change)
    assert {at: source.kind for at, source in changed.routes.model.all_sources.items()} == kinds
    back = changed.with_changes({"source": {"stdin": {}}})
    assert {at: source.kind for at, source in back.routes.model.all_sources.items()} == {("source",): "stdin"}


def test_the_same_source_is_laid_over_key_by_key() -> None:
    generate = good().with_changes({"source": {"generate": {"count": 3}}}).routes.model.all_sources["source",].generate
    assert generate is not None
    assert (generate.count, generate.rate) == (3, Rate(5.0, 1.0))


def test_offline_no_variable_is_needed() -> None:
    project, diagnostics = read_project(ROUTES, profile="live", environment={}, offline=True)
    assert diagnostics == []
    assert project is not None
    assert project.routes.is_unset("systems", "crm", "base_url")
    assert project.routes.model.systems["crm"].base_url is None
    assert project.routes.model.systems["crm"].auth == {"token": "${CRM_TOKEN}"}


@pytest.mark.parametrize(
    ("place", "line"),
    [
        (
            "    adapter: news",
            "    adapter: news\n    timeout: ${T}\n    limits: {requests: '${R}', in_flight: '${F}'}",
        ),
        ("version: 1", "version: 1\nconcurrent: ${C}\njournal: {keep: {size: '${S}'}, sync: '${M}'}"),
        ("version: 1", "version: ${V}"),
        ("profile: mock", "profile: mock\nretry: ${R}"),
    ],
)
def test_offline_every_kind_of_value_takes_a_placeholder(place: str, line: str, tmp_path: Path) -> None:
    copy_project(tmp_path)
    replace(tmp_path / "routes.yaml", place, line)
    assert codes(tmp_path, offline=True) == []
    assert "SF121" in codes(tmp_path)


def test_secrets_are_known_wherever_they_came_from(tmp_path: Path) -> None:
    routes = copy_project(tmp_path)
    (tmp_path / "token").write_text("from-a-file\n")
    replace(routes, "{token: demo-token}", "{token: 'Token ${CRM_TOKEN}'}")
    replace(routes, "    adapter: news", "    adapter: news\n    base_url: '${file:token}'")
    project = load_project(routes, environment={"CRM_TOKEN": "s3cret"})
    assert project.secrets == {"Token s3cret", "s3cret", "from-a-file"}


def test_no_secret_is_in_a_representation() -> None:
    assert "demo-token" not in repr(good())


def test_a_wrong_secret_is_not_quoted(tmp_path: Path) -> None:
    routes = copy_project(tmp_path)
    replace(routes, "auth: {token: demo-token}", 'auth: "${CRM_TOKEN}"')
    _, diagnostics = read_project(routes, environment={"CRM_TOKEN": "s3cret"})
    assert [(each.code, each.found) for each in diagnostics] == [("SF203", "a value that is not shown")]


def test_settings_may_be_changed_from_python() -> None:
    project = good()
    changed = project.with_changes({"systems": {"crm": {"limits": {"in_flight": 2}}}, "unrouted": "ignore"})
    assert changed.routes.model.systems["crm"].limits.in_flight == 2
    assert changed.routes.model.systems["crm"].limits.requests == Rate(5.0, 1.0)
    assert changed.routes.model.unrouted == "ignore"
    assert project.routes.model.systems["crm"].limits.in_flight == 4
    again = changed.with_changes({"unrouted": "dead_letter"})
    assert again.routes.model.systems["crm"].limits.in_flight == 2


def test_changes_that_are_wrong_are_refused_and_name_their_path() -> None:
    with pytest.raises(ProjectError) as caught:
        good().with_changes({"routes": [{"to": "nwes", "mapping": "mappings/news_person.yaml"}]})
    (diagnostic,) = caught.value.diagnostics
    assert (diagnostic.code, diagnostic.path, diagnostic.suggestion) == ("SF401", "routes[0].to", "news")


def test_changes_do_not_read_files_again(tmp_path: Path) -> None:
    project = load_project(copy_project(tmp_path), environment={})
    (tmp_path / "mappings/crm_contact.yaml").write_text("broken: [")
    assert project.with_changes({"unrouted": "ignore"}).routes.model.unrouted == "ignore"


def test_a_project_may_be_given_as_data() -> None:
    project = Project.from_mapping(
        {
            "source": {"stdin": {}},
            "records": {"contacts": {"schema": "schemas/contact.yaml"}},
            "systems": {"news": {"adapter": "news", "batch": {"records": 5, "age": "50ms"}}},
            "routes": [{"to": "news", "mapping": "mappings/news_person.yaml"}],
        },
        directory=PROJECT,
        environment={},
    )
    assert project.routes.model.systems["news"].batch.age == 0.05


def test_an_error_says_how_many_there_are_and_where_the_first_is(tmp_path: Path) -> None:
    routes = copy_project(tmp_path)
    replace(routes, "in_flight: 4", "in_flight: four")
    with pytest.raises(ProjectError) as caught:
        load_project(routes, environment={})
    assert (
        str(caught.value) == f"the project has 1 error; first {routes}:10:40: SF203 `in_flight` is not a whole number"
    )


@pytest.mark.parametrize(("name", "code"), [("nowhere.yaml", "SF101"), ("", "SF102")])
def test_a_project_that_is_not_there_is_one_problem(name: str, code: str, tmp_path: Path) -> None:
    copy_project(tmp_path)
    project, diagnostics = read_project(tmp_path / name, environment={})
    assert project is None
    assert [diagnostic.code for diagnostic in diagnostics] == [code]


def test_a_file_that_may_not_be_read_is_a_problem(tmp_path: Path) -> None:
    routes = tmp_path / "loop.yaml"
    routes.symlink_to(routes)
    _, (diagnostic,) = read_project(routes, environment={})
    assert diagnostic.code == "SF103"


@pytest.mark.parametrize("name", ["a" * 5000, '"a\\0b.yaml"', '"a\\0b/c.yaml"', "x/" * 2000 + "y", "..", "/", "~"])
def test_a_path_that_leads_nowhere_is_a_problem_like_any_other(name: str, tmp_path: Path) -> None:
    copy_project(tmp_path)
    replace(tmp_path / "routes.yaml", "schemas/contact.yaml", name)
    replace(tmp_path / "routes.yaml", "adapter: news", f"adapter: {name}")
    replace(tmp_path / "adapters/crm.yaml", "objects/crm_Contact.yaml", name)
    found = codes(tmp_path)
    assert found
    assert set(found) <= {"SF101", "SF102", "SF202", "SF203", "SF205", "SF406"}


def test_the_projects_own_file_may_have_either_ending(tmp_path: Path) -> None:
    routes = copy_project(tmp_path)
    routes.rename(tmp_path / "routes.yml")
    assert load_project(routes, environment={}).path == tmp_path / "routes.yml"


def test_a_value_from_a_variable_with_a_secret_name_is_not_quoted(tmp_path: Path) -> None:
    routes = copy_project(tmp_path)
    replace(routes, "in_flight: 4", "in_flight: '${CRM_TOKEN}'")
    _, diagnostics = read_project(routes, environment={"CRM_TOKEN": "s3cret"})
    assert [each.found for each in diagnostics] == ["a value that is not shown"]


def test_a_comment_allows_a_warning_on_its_line(tmp_path: Path) -> None:
    copy_project(tmp_path)
    replace(tmp_path / "routes.yaml", "{lead: crm, customer: news}", "{lead: crm}")
    assert codes(tmp_path) == ["SF408"]
    replace(tmp_path / "routes.yaml", "news_person.yaml}", "news_person.yaml}  # syncflow: allow=SF408")
    assert codes(tmp_path) == []


def test_a_comment_allows_no_error(tmp_path: Path) -> None:
    copy_project(tmp_path)
    replace(tmp_path / "routes.yaml", "    adapter: news", "    # syncflow: allow=SF406\n    adapter: nwes")
    assert codes(tmp_path) == ["SF406"]


def test_the_package_stands_in_for_adapters_that_the_project_lacks(tmp_path: Path) -> None:
    copy_project(tmp_path)
    (tmp_path / "adapters/news.yaml").unlink()
    assert codes(tmp_path) == ["SF406"]


_YAML = st.recursive(
    st.sampled_from(["x", "5", "true", "null", "", "'q'", "${V}", "${V:-1}", "5/s", "item.id", "crm", "{{ x }}"]),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]"),
        st.dictionaries(st.sampled_from(["to", "value", "from", "table", "crm", "x"]), inner, max_size=3).map(
            lambda entries: "{" + ", ".join(f"{key}: {entry}" for key, entry in entries.items()) + "}"
        ),
    ),
    max_leaves=6,
)


@settings(max_examples=examples(150), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    file=st.sampled_from(
        [
            "routes.yaml",
            "mappings/crm_contact.yaml",
            "schemas/contact.yaml",
            "adapters/crm.yaml",
            "objects/crm_Contact.yaml",
        ]
    ),
    line=st.integers(0, 25),
    written=_YAML,
    offline=st.booleans(),
)
def test_whatever_stands_in_a_file_there_is_a_project_or_a_diagnostic(
    file: str, line: int, written: str, offline: bool, tmp_path: Path
) -> None:
    routes = copy_project(tmp_path)
    lines = (tmp_path / file).read_text().splitlines()
    at = line % len(lines)
    key = lines[at].partition(":")[0]
    lines[at] = f"{key}: {written}"
    (tmp_path / file).write_text("\n".join(lines))
    project, diagnostics = read_project(routes, environment={}, offline=offline)
    assert (project is not None) == (not any(diagnostic.is_error for diagnostic in diagnostics))
