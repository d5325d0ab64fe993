"""A small project in files, for tests that need a whole one: contacts of three types to two systems of an invented adapter."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

from syncflow.config.project import Project, load_project

_INDENTED = {
    "routes.yaml": """
        source:
          file: {path: events.jsonl}
        records:
          contacts: {schema: contact.yaml}
        ignore:
          - record == 'noise'
        systems:
          sales: {adapter: crm}
          support: {adapter: crm}
        routes:
          - by: item.type
            table: {lead: sales, customer: support, partner: [sales, support]}
            mapping: person.yaml
        """,
    "contact.yaml": """
        type: object
        required: [id, type]
        properties:
          id: {type: string, minLength: 1, maxLength: 20}
          name: {type: string, maxLength: 10}
          email: {type: [string, "null"], format: email}
          type: {type: string, enum: [lead, customer, partner]}
          vip: {type: boolean}
          since: {type: string, format: date-time}
        """,
    "person.yaml": """
        source: contacts
        target: crm/people
        key: external_id
        fields:
          external_id: item.id
          last_name: item.name || 'Unknown'
          email: lower(item.email)
          kind: {from: item.type, table: {lead: Lead, customer: Customer, partner: Partner}}
        """,
    "adapters/crm.yaml": """
        adapter: crm
        base_url: https://crm.example
        objects:
          people: {fields: objects/people.yaml, keys: [external_id]}
        operations:
          upsert:
            repeat: safe
            batch: {records: 10}
            request: {post: "/people", json: {each: payload}}
            answer: {missing: delivered}
          delete:
            repeat: safe
            request: {delete: "/people/{{ key.value }}"}
        """,
    "adapters/objects/people.yaml": """
        object: people
        fields:
          external_id: {length: 20, unique: true, case_sensitive: false}
          last_name: {length: 10, required: true}
          email: {type: email}
          kind: {type: option, options: [Lead, Customer, Partner]}
          vip: {type: boolean}
          since: {type: date-time}
          score: {type: integer, minimum: 0, maximum: 100}
          joined: {type: date, create_only: true}
          number: {type: integer, read_only: true}
        """,
}


FILES = {name: dedent(text).lstrip("\n") for name, text in _INDENTED.items()}


def write_project(directory: Path, changes: dict[str, str] | None = None) -> Path:
    """Write the project with some files changed; return the path of its routes.yaml."""
    for name, text in {**FILES, **(changes or {})}.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return directory / "routes.yaml"


def open_project(
    directory: Path, changes: dict[str, str] | None = None, *, environment: dict[str, str] | None = None
) -> Project:
    return load_project(write_project(directory, changes), environment=environment or {})


def changed(name: str, *replacements: tuple[str, str]) -> dict[str, str]:
    """Return one file of the project with words replaced; each must be there."""
    text = FILES[name]
    for old, new in replacements:
        assert old in text, old
        text = text.replace(old, new)
    return {name: text}
