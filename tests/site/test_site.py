"""The site of a project: what its pages say, where its links lead, and that nothing else is touched or told."""

from __future__ import annotations

import html
import re
import shutil
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from typer.testing import CliRunner

from syncflow.cli.commands import command_line
from syncflow.config.project import load_project
from syncflow.errors import ProjectError
from syncflow.site.drawing import drawn
from syncflow.site.facts import SiteFacts, facts_of
from syncflow.site.pages import LISTED, pages, write_site
from tests.browser import browser, violations

__all__ = ["browser"]

ROOT = Path(__file__).resolve().parent.parent.parent
SCHEMA = """
type: object
description: A <script>alert(1)</script>.
properties:
  id: {type: string, minLength: 1}
  home: {$ref: "#/$defs/address"}
  tags: {type: array, items: {type: object, properties: {name: {type: string, personal: true}}}}
  parent: {$ref: "#/$defs/node"}
required: [id]
$defs:
  address:
    type: object
    required: [city]
    properties: {city: {type: string, description: "<b>Where</b>", personal: true}, code: {type: string}}
  node: {type: object, properties: {next: {$ref: "#/$defs/node"}, name: {type: string}}}
"""
MAPPING = """
source: people
target: api/people
key: id
fields:
  id: item.id
  city: {from: item.home.city, default: "<none>"}
  names: "join(', ', item.tags[].name)"
  when: timestamp
  state: {from: item.home.code, table: {a: "A & B"}}
  token: {value: "${TOKEN:-t0p<secret>}"}
"""
ADAPTER = """
adapter: api
base_url: https://api.example.com
auth: {none: {}}
limits: [{requests: 100, per: 10s}, {in_flight: 4}]
objects: {people: {fields: objects/people.yaml, keys: [id]}}
operations:
  upsert: {repeat: safe, request: {put: "/people/{{ key.value }}", json: payload}}
"""
OBJECT = """
object: people
fields:
  id: {type: text, required: true, unique: true}
  city: {type: text}
  names: {type: text}
  when: {type: date-time}
  state: {type: text, label: State of the country}
  token: {type: text}
"""
ROUTES = """
version: 1
source: {file: {path: events.jsonl}}
records: {people: {schema: people.yaml}}
systems:
  api: {adapter: api, limits: {requests: 5/s}}
routes:
  - when: item.id != 'x' && item.id != '</td>'
    to: api
    mapping: mappings/a person.yaml
    operations: {delete: ignore}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in {
        "routes.yaml": ROUTES,
        "people.yaml": SCHEMA,
        "mappings/a person.yaml": MAPPING,
        "adapters/api.yaml": ADAPTER,
        "adapters/objects/people.yaml": OBJECT,
    }.items():
        path = tmp_path / "shop" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return tmp_path / "shop"


def facts(folder: Path, **more: Any) -> SiteFacts:
    return facts_of(load_project(folder / "routes.yaml", offline=True), **more)


def test_a_value_is_followed_from_its_property_to_every_field_and_back(folder: Path) -> None:
    found = facts(folder)
    [people] = found.records
    reached = {each.path: [target.field for target in each.targets] for each in people.properties}
    assert reached == {
        "item.id": ["id"],
        "item.home": [],
        "item.home.city": ["city"],
        "item.home.code": ["state"],
        "item.tags": ["names"],
        "item.tags.name": ["names"],
        "item.parent": [],
        "item.parent.next": [],
        "item.parent.name": [],
    }
    assert [(path, [target.field for target in targets]) for path, targets in people.others] == [
        ("timestamp", ["when"])
    ]
    [mapping] = found.mappings
    assert {each.name: list(each.reads) for each in mapping.fields} == {
        "id": ["item.id"],
        "city": ["item.home.city"],
        "names": ["item.tags"],
        "when": ["timestamp"],
        "state": ["item.home.code"],
        "token": [],
    }


def test_what_is_required_and_what_is_personal_is_told_of_properties_and_fields(folder: Path) -> None:
    found = facts(folder)
    assert [each.path for each in found.records[0].properties if each.is_required] == ["item.id", "item.home.city"]
    assert [each.path for each in found.records[0].properties if each.is_personal] == [
        "item.home.city",
        "item.tags.name",
    ]
    assert [each.name for each in found.mappings[0].fields if each.is_personal] == ["city", "names"]


def test_a_route_says_which_events_it_takes_and_what_is_unusual(folder: Path) -> None:
    [route] = facts(folder).routes
    assert (route.rule, route.details) == ("item.id != 'x' && item.id != '</td>'", ["delete: ignore"])
    default = facts_of(load_project(ROOT / "routes.yaml", offline=True))
    assert [each.rule for each in default.routes] == [
        "item.contact_type: lead, prospect, employee",
        "item.contact_type: customer, partner, vendor",
    ]


def test_the_limits_of_a_system_are_those_of_its_adapter_and_of_the_project(folder: Path) -> None:
    [system] = facts(folder).systems
    assert system.limits == ["100 requests in 10 s", "4 requests at once", "5 requests in 1 s (of this project)"]


def test_every_link_leads_to_a_page_and_a_place_of_it(folder: Path) -> None:
    for project in (folder, ROOT, ROOT / "examples" / "third-system"):
        made = pages(
            facts(project) if project == folder else facts_of(load_project(project / "routes.yaml", offline=True))
        )
        for name, text in made.items():
            for target in re.findall(r'href="([^"]+)"', text):
                file, _, place = html.unescape(target).partition("#")
                if "static/" in file or target == "#main":
                    continue
                path = (Path("/site") / name).parent / unquote(file)
                page = made[str(path.resolve().relative_to("/site"))]
                assert (
                    not place or f'id="{html.escape(unquote(place), quote=False)}"' in page or f'id="{place}"' in page
                )


def test_words_of_a_project_are_text_and_never_markup(folder: Path) -> None:
    made = pages(facts(folder))
    assert "&lt;b&gt;Where&lt;/b&gt;" in made["records/people.html"]
    assert "&lt;none&gt;" in made["mappings/a-person.html"]
    assert all("<b>" not in text and "<script" not in text and "'</td>'" not in text for text in made.values())


def test_what_is_secret_is_masked_wherever_it_stands(folder: Path) -> None:
    made = pages(facts(folder), secrets={"t0p<secret>"})
    assert all("t0p" not in text for text in made.values())
    assert "always •••" in made["mappings/a-person.html"]


def test_names_that_differ_in_odd_characters_have_pages_of_their_own(folder: Path) -> None:
    shutil.copyfile(folder / "mappings" / "a person.yaml", folder / "mappings" / "A-person.yaml")
    with (folder / "routes.yaml").open("a", encoding="utf-8") as file:
        file.write("  - {name: again, when: \"item.id == 'x'\", to: api, mapping: mappings/A-person.yaml}\n")
    made = pages(facts(folder))
    assert {name for name in made if name.startswith("mappings/")} == {
        "mappings/a-person.html",
        "mappings/A-person-2.html",
    }


def test_a_site_is_written_anew_and_what_it_had_before_is_gone(folder: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    assert write_site(facts(folder), site) == 5
    own = site / "notes.txt"
    own.write_text("mine", "utf-8")
    (folder / "mappings" / "a person.yaml").rename(folder / "mappings" / "person.yaml")
    routes = folder / "routes.yaml"
    routes.write_text(routes.read_text("utf-8").replace("a person", "person"), "utf-8")
    write_site(facts(folder), site)
    assert sorted(path.name for path in (site / "mappings").iterdir()) == ["person.html"]
    assert own.read_text("utf-8") == "mine"


def test_a_folder_with_other_files_is_left_alone(folder: Path) -> None:
    with pytest.raises(ProjectError) as told:
        write_site(facts(folder), folder / "mappings")
    assert told.value.message == f"{folder / 'mappings'} holds other files than a site, which would be mixed up"
    assert told.value.hint == "name a folder that is empty or not there: --out site"
    assert [path.name for path in (folder / "mappings").iterdir()] == ["a person.yaml"]


def test_a_list_of_files_cannot_lead_out_of_the_folder(folder: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    write_site(facts(folder), site)
    outside = tmp_path / "outside.txt"
    outside.write_text("kept", "utf-8")
    with (site / LISTED).open("a", encoding="utf-8") as file:
        file.write("../outside.txt\n")
    write_site(facts(folder), site)
    assert outside.exists()


def test_the_picture_holds_every_part_and_no_two_boxes_overlap(folder: Path) -> None:
    for found in (facts(folder), facts_of(load_project(ROOT / "routes.yaml", offline=True))):
        picture = drawn(found)
        assert len(picture.boxes) == sum(map(len, (found.sources, found.records, found.routes, found.systems)))
        assert len({(box.x, box.y) for box in picture.boxes}) == len(picture.boxes)
        assert len(picture.lines) == len(found.sources) * len(found.records) + 2 * len(found.routes)
        assert all(0 <= box.x <= picture.width and 0 <= box.y <= picture.height for box in picture.boxes)


def run(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(command_line(["docs"]), ["docs", *words])
    return done.exit_code, done.output


def test_the_command_builds_and_counts(folder: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    assert run("build", str(folder / "routes.yaml"), "--out", str(site)) == (
        0,
        f"wrote 5 pages into {site}: open {site / 'index.html'}\n",
    )
    assert "Deliveries" not in (site / "index.html").read_text("utf-8")


def test_the_counts_of_a_journal_stand_beside_the_routes(folder: Path) -> None:
    made = pages(facts(folder, counts={"people": {"delivered": 1200, "already_done": 3, "dead": 0}}))
    assert "1,200 delivered, 3 already done" in made["index.html"]
    assert "none yet" in pages(facts(folder, counts={}))["index.html"]


def test_every_page_is_usable_by_all_and_loads_nothing_from_elsewhere(
    browser: Any, folder: Path, tmp_path: Path
) -> None:
    site = tmp_path / "site"
    write_site(facts_of(load_project(ROOT / "routes.yaml", offline=True), counts={}), site)
    page = browser.new_page(viewport={"width": 375, "height": 800}, color_scheme="dark")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    for name in (
        "index.html",
        "lineage.html",
        "records/contacts.html",
        "mappings/hubspot_contact.html",
        "systems/hubspot.html",
    ):
        page.goto((site / name).as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") <= 375, name
        assert violations(page) == [], name
    assert all(url.startswith(site.as_uri()) for url in asked)
