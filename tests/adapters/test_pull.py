"""What a system says of its objects: read as the adapter describes, written down, compared. (Capability 7.)"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from syncflow.adapters.scripted import Asked, Reply, scripted
from syncflow.compiler.problems import check
from syncflow.config.models.schema import ObjectField, ObjectFile
from syncflow.config.object_text import object_text
from syncflow.config.project import Project, load_project
from syncflow.errors import DataError, SyncflowError, UnavailableError
from syncflow.mock.server import Running, running_mock
from syncflow.mock.settings import Settings
from syncflow.runtime.drift import find_drift, pull_fields
from tests.adapters.test_written import FILES

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def mock() -> Iterator[Running]:
    with running_mock(
        Settings.model_validate({name: {"rate": "off"} for name in ("salesforce", "hubspot")})
    ) as running:
        yield running


@pytest.fixture
def project(mock: Running, tmp_path: Path) -> Project:
    for name in ("schemas", "mappings", "objects"):
        shutil.copytree(ROOT / name, tmp_path / name)
    shutil.copy(ROOT / "routes.yaml", tmp_path)
    return load_project(tmp_path / "routes.yaml", environment={"MOCK_URL": mock.url})


SHIPPED_LIKE = {("salesforce", "Contact"): 20, ("hubspot", "contacts"): 60}


@pytest.mark.parametrize(("system", "object_name"), SHIPPED_LIKE)
def test_what_is_pulled_is_what_ships(system: str, object_name: str, project: Project) -> None:
    pulled = asyncio.run(pull_fields(project, system, object_name))
    shipped = ObjectFile.model_validate(
        yaml.safe_load((ROOT / f"syncflow/adapters/objects/{system}_{object_name}.yaml").read_text())
    )
    alike = [name for name, field in shipped.fields.items() if name in pulled and pulled[name].type == field.type]
    assert len(alike) >= SHIPPED_LIKE[system, object_name]
    unlike = {
        name: (field.type, pulled[name].type)
        for name, field in shipped.fields.items()
        if name in pulled and pulled[name].type != field.type
    }
    assert set(unlike) <= {"work_email"}  # an address that the system itself takes for any text


def test_the_dated_family_of_paths_has_properties_too(project: Project) -> None:
    dated = project.with_changes({"systems": {"hubspot": {"options": {"api": "2026-09"}}}})
    assert "email" in asyncio.run(pull_fields(dated, "hubspot", "contacts"))


def test_the_default_project_has_not_drifted_from_the_mock(project: Project) -> None:
    assert [found.message for found in asyncio.run(find_drift(project)) if found.is_error] == []


def test_an_object_file_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    fields = {
        "Name": ObjectField(type="text", label='He said: "a, b" # c', length=80, required=True),
        "2nd-field": ObjectField(type="option", options=("NO", "null", "1.0", "ü")),
        "true": ObjectField(type="boolean", read_only=True, case_sensitive=False),
    }
    (tmp_path / "x.yaml").write_text(object_text("Contact", fields, comment="pulled"))
    from syncflow.config.files import Files

    document = Files({}, offline=True).document(ObjectFile, tmp_path / "x.yaml")
    assert document is not None
    assert document.model.fields == fields


DESCRIBING = """
      describe:
        request: {get: "/meta/{{ object }}"}
        each: fields
        types: {string: text, int: integer}
        length: length
        required: mandatory
        read_only: fixed
        options: choices
      operations:"""


def _small(folder: Path, *, describing: bool = True) -> Project:
    for name, text in FILES.items():
        (folder / name).write_text(text)
    routes = (folder / "routes.yaml").read_text()
    (folder / "routes.yaml").write_text(routes.replace("\n      operations:", DESCRIBING) if describing else routes)
    return load_project(folder / "routes.yaml", environment={"HOOK_KEY": "planted"})


def _says(text: str, status: int = 200) -> object:
    def answer(asked: Asked) -> Reply:
        assert asked.path == "/meta/person"
        return Reply(status, text)

    return scripted(answer)


FIELDS = (
    '{"fields": [{"name": "id", "type": "string", "length": 9}, {"name": "name", "type": "string"}, '
    '{"name": "made_up", "type": "int"}]}'
)


def test_any_adapter_can_say_how_fields_are_read(tmp_path: Path) -> None:
    pulled = asyncio.run(pull_fields(_small(tmp_path), "hook", "person", transport=_says(FIELDS)))  # type: ignore[arg-type]
    assert pulled == {"id": ObjectField(length=9), "name": ObjectField(), "made_up": ObjectField(type="integer")}


def test_what_was_pulled_is_what_validate_checks_by(tmp_path: Path) -> None:
    project = _small(tmp_path)
    (tmp_path / "objects").mkdir()
    gone = {"id": ObjectField(unique=True), "name": ObjectField(length=5)}
    (tmp_path / "objects/hook_person.lock.yaml").write_text(object_text("person", gone, comment="pulled"))
    again = load_project(project.path, environment={"HOOK_KEY": "planted"})
    fields = again.objects["hook", "person"].model.fields
    assert fields["name"].length == 5
    assert any("name" in found.message for found in check(again))


DRIFTS = {
    "nothing has changed": (FIELDS, []),
    "a field is gone": (FIELDS.replace("made_up", "made"), ["hook has no field made_up in person"]),
    "a field is required now": (
        FIELDS.replace("]}", ', {"name": "mail", "type": "string", "mandatory": true}]}'),
        ["hook wants the field mail in person, which the mapping does not fill"],
    ),
}


@pytest.mark.parametrize(("said", "expected"), DRIFTS.values(), ids=DRIFTS)
def test_a_difference_that_a_mapping_would_notice_is_told(said: str, expected: list[str], tmp_path: Path) -> None:
    found = asyncio.run(find_drift(_small(tmp_path), transport=_says(said)))  # type: ignore[arg-type]
    assert [each.message for each in found if each.is_error] == expected


BAD = {
    "no answer that can be read": ("<html>", 200, DataError, "hook: the answer cannot be read: it is HTML"),
    "no list": ("{}", 200, DataError, "the answer has no list of fields where `each` looks for one"),
    "a field without a name": ('{"fields": [{}]}', 200, DataError, "a field has no name where `name` looks for one"),
    "a trait of the wrong kind": (
        '{"fields": [{"name": "x", "length": "long"}]}',
        200,
        DataError,
        "of the field x cannot be read: length",
    ),
    "a refusal": ("{}", 403, UnavailableError, "hook: person is refused with status 403"),
}


@pytest.mark.parametrize(("text", "status", "kind", "words"), BAD.values(), ids=BAD)
def test_an_answer_that_describes_nothing_is_told(
    text: str, status: int, kind: type[SyncflowError], words: str, tmp_path: Path
) -> None:
    with pytest.raises(kind) as told:
        asyncio.run(pull_fields(_small(tmp_path), "hook", "person", transport=_says(text, status)))  # type: ignore[arg-type]
    assert words in told.value.message


def test_a_system_or_a_way_to_describe_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there is no system 'hok'"):
        asyncio.run(pull_fields(_small(tmp_path), "hok", "person"))
    with pytest.raises(DataError, match="does not say how the fields of an object are read"):
        asyncio.run(pull_fields(_small(tmp_path, describing=False), "hook", "person"))
