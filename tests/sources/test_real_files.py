"""CSV as programs write it: each file is read as a person who opens it would read it."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from syncflow.compiler.columns import Columns, cell_type
from syncflow.config.models.routes import FileSource
from syncflow.config.models.schema import SchemaNode
from syncflow.sources.file import File
from syncflow.sources.watched import FilePlan
from tests.sources.kit import StepClock, read_all, write

TYPES: Mapping[str, Any] = {
    "int": {"type": ["integer", "null"]},
    "number": {"type": ["number", "null"]},
    "bool": {"type": ["boolean", "null"]},
    "date": {"type": ["string", "null"], "format": "date"},
    "moment": {"type": ["string", "null"], "format": "date-time"},
    "decimal": {"type": ["string", "null"], "format": "decimal"},
    "email": {"type": ["string", "null"], "format": "email"},
    "list": {"type": ["array", "null"], "items": {"type": "string"}},
    "ints": {"type": ["array", "null"], "items": {"type": "integer"}},
    "text": {"type": ["string", "null"]},
    "optional": {"type": "string"},
    "object": {"type": ["object", "null"]},
}


class Sample(NamedTuple):
    """A file, how it is read, and the events that it gives."""

    content: bytes
    rows: list[dict[str, Any]]
    types: Mapping[str, str] = {}
    settings: Mapping[str, Any] = {}
    notes: tuple[str, ...] = ()
    name: str = "export.csv"
    broken: tuple[tuple[int, str], ...] = ()


SAMPLES = {
    "Excel, German": Sample(
        'Kunde;Name;Umsatz;Seit;Aktiv\r\n007;"Müller; Söhne";1.234,50;2024-01-15;WAHR\r\n008;Zoë;;;FALSCH\r\n'.encode("cp1252"),
        [
            {"Kunde": "007", "Name": "Müller; Söhne", "Umsatz": 1234.5, "Seit": "2024-01-15", "Aktiv": True},
            {"Kunde": "008", "Name": "Zoë", "Umsatz": None, "Seit": None, "Aktiv": False},
        ],
        {"Umsatz": "number", "Seit": "date", "Aktiv": "bool", "Kunde": "text"},
        {"decimal": ","},
        ("its delimiter is ;", "its encoding is windows-1252"),
    ),
    "Excel, US, CSV UTF-8": Sample(
        b'\xef\xbb\xbfID,Amount,Active,Note\r\n1,"1,234.50",TRUE,"He said ""hi"""\r\n2,1.23E+05,FALSE,\r\n',
        [
            {"ID": 1, "Amount": 1234.5, "Active": True, "Note": 'He said "hi"'},
            {"ID": 2, "Amount": 123000, "Active": False, "Note": None},
        ],
        {"ID": "int", "Amount": "number", "Active": "bool"},
    ),
    "Excel, with sep=": Sample(
        b"sep=;\r\na;b\r\n1;2,5\r\n", [{"a": "1", "b": 2.5}], {"b": "number"}, {"decimal": ","}
    ),
    "Salesforce data export": Sample(
        b'"Id","Name","Email","NumberOfEmployees","IsDeleted"\n"0015g00000AAA","Acme, Inc.","","12","false"\n'
        b'"0015g00000AAB","Say ""hi""","a@x.org","","true"\n',
        [
            {"Id": "0015g00000AAA", "Name": "Acme, Inc.", "Email": None, "NumberOfEmployees": 12, "IsDeleted": False},
            {"Id": "0015g00000AAB", "Name": 'Say "hi"', "Email": "a@x.org", "NumberOfEmployees": None, "IsDeleted": True},
        ],
        {"Email": "email", "NumberOfEmployees": "int", "IsDeleted": "bool"},
    ),
    "HubSpot export": Sample(
        b'"Record ID","First Name","Create Date","Lifecycle Stages","Phone Number"\n'
        b'"151","Maria","2024-01-15 10:30","lead;customer","+49 151 1234567"\n"152","","","",""\n',
        [
            {"Record ID": "151", "First Name": "Maria", "Create Date": "2024-01-15 10:30",
             "Lifecycle Stages": ["lead", "customer"], "Phone Number": "+49 151 1234567"},
            {"Record ID": "152", "First Name": "", "Create Date": None, "Lifecycle Stages": None, "Phone Number": ""},
        ],
        {"Create Date": "moment", "Lifecycle Stages": "list"},
    ),
    "Shopify customers": Sample(
        b"Customer ID,First Name,Accepts Email Marketing,Zip,Phone,Total Spent,Tags\n"
        b"'6012,Ann,yes,'01067,'+4935112345,12.30,\"vip, new\"\n",
        [{"Customer ID": "'6012", "First Name": "Ann", "Accepts Email Marketing": True, "Zip": "'01067",
          "Phone": "'+4935112345", "Total Spent": "12.30", "Tags": ["vip", "new"]}],
        {"Accepts Email Marketing": "bool", "Total Spent": "decimal", "Tags": "list"},
        {"separator": ","},
    ),
    "PostgreSQL, \\copy csv": Sample(
        b'id,name,active,created,score,empty\n1,"Ada\nLovelace",t,2024-01-15 10:30:00+00,12.50,""\n2,,f,,,\n',
        [
            {"id": 1, "name": "Ada\nLovelace", "active": True, "created": "2024-01-15 10:30:00+00", "score": "12.50", "empty": ""},
            {"id": 2, "name": None, "active": False, "created": None, "score": None, "empty": None},
        ],
        {"id": "int", "active": "bool", "created": "moment", "score": "decimal"},
    ),
    "PostgreSQL, \\copy text": Sample(
        b"id\tname\tactive\n1\tAda\tt\n2\t\\N\tf\n",
        [{"id": "1", "name": "Ada", "active": True}, {"id": "2", "name": None, "active": False}],
        {"active": "bool"},
        {"quote": "none"},
        ("its delimiter is tab",),
    ),
    "MySQL, OUTFILE": Sample(
        b'1\tAda "the first"\t0000-00-00\t1\n2\t\\N\t2024-01-15\t0\n',
        [
            {"id": 1, "name": 'Ada "the first"', "since": None, "active": True},
            {"id": 2, "name": None, "since": "2024-01-15", "active": False},
        ],
        {"id": "int", "since": "date", "active": "bool"},
        {"columns": ("id", "name", "since", "active"), "delimiter": "tab", "quote": "none"},
        name="outfile.txt",
    ),
    "pandas, with its index": Sample(
        b",id,age,joined,city\n0,C1,42.0,2024-01-15 00:00:00,Rome\n1,C2,NaN,NaT,NaN\n",
        [
            {"id": "C1", "age": 42, "joined": "2024-01-15 00:00:00", "city": "Rome"},
            {"id": "C2", "age": None, "joined": None, "city": None},
        ],
        {"age": "int", "joined": "date"},
        {"null_text": ("NaN",)},
        ("columns that are not read: 1 without a name",),
    ),
    "Google Sheets": Sample(
        "id,Größe,Datum\r\n1,\"1,5\",2024-01-15\r\n2,,\r\n".encode(),
        [{"id": "1", "Größe": 1.5, "Datum": "2024-01-15"}, {"id": "2", "Größe": None, "Datum": None}],
        {"Größe": "number", "Datum": "date"},
        {"decimal": ","},
    ),
    "LibreOffice, quotes around text": Sample(
        b'"id","name",amount\n"C1","O\'Brien",12.5\n"C2","",0\n',
        [{"id": "C1", "name": "O'Brien", "amount": 12.5}, {"id": "C2", "name": "", "amount": 0}],
        {"amount": "number"},
    ),
    "names in windows-1252": Sample(
        "id,name\n1,Ada\n2,Renée\n3,Łukasz?\n".encode("cp1252", "replace"),
        [{"id": "1", "name": "Ada"}, {"id": "2", "name": "Renée"}, {"id": "3", "name": "?ukasz?"}],
        notes=("its encoding is windows-1252",),
    ),
    "UTF-16, PowerShell": Sample(
        '"id","name"\r\n"1","Zoë 😀"\r\n"2",""\r\n'.encode("utf-16"),
        [{"id": "1", "name": "Zoë 😀"}, {"id": "2", "name": ""}],
        notes=("its encoding is utf-16",),
    ),
    "UTF-16 without a mark": Sample(
        "id\tname\nC1\tZoë\n".encode("utf-16-le"),
        [{"id": "C1", "name": "Zoë"}],
        notes=("its delimiter is tab", "its encoding is utf-16"),
    ),
    "SAP, semicolons and trailing delimiters": Sample(
        b"KUNNR;NAME1;BETRAG;\r\n0000001042;Meier GmbH;1.042,10;\r\n0000001043;;;\r\n",
        [
            {"KUNNR": "0000001042", "NAME1": "Meier GmbH", "BETRAG": "1042.10"},
            {"KUNNR": "0000001043", "NAME1": None, "BETRAG": None},
        ],
        {"BETRAG": "decimal"},
        {"decimal": ","},
        ("its delimiter is ;", "columns that are not read: 1 without a name"),
    ),
    "trailing delimiters in rows only": Sample(
        b"a,b\n1,2,\n3,4,,\n", [{"a": "1", "b": "2"}, {"a": "3", "b": "4"}]
    ),
    "phones and leading zeros": Sample(
        b"phone,zip\n+49 151 1234567,01067\n00491511234567,00501\n",
        [{"phone": "+49 151 1234567", "zip": "01067"}, {"phone": "00491511234567", "zip": "00501"}],
    ),
    "cells of several lines": Sample(
        b'id,note,x\r\n1,"one\r\ntwo, ""three""\r\n\r\nfour",a\r\n2,plain,b\r\n',
        [{"id": "1", "note": 'one\r\ntwo, "three"\r\n\r\nfour', "x": "a"}, {"id": "2", "note": "plain", "x": "b"}],
    ),
    "ragged rows": Sample(
        b"a,b,c\n1,2,3\n4,5\n6,7,8,9\n10,11,12\n",
        [{"a": "1", "b": "2", "c": "3"}, {"a": "10", "b": "11", "c": "12"}],
        broken=((3, "expected 3 cells as in the first row, found 2"), (4, "expected 3 cells as in the first row, found 4")),
    ),
    "a header with line breaks, blanks and a mark": Sample(
        b'\xef\xbb\xbf " First\r\n Name " ,\t"E  Mail"\nAda,a@x.org\n'.replace(b' " First', b'" First').replace(b'" ,\t', b'",'),
        [{"First Name": "Ada", "E Mail": "a@x.org"}],
    ),
    "lines that end by a carriage return only": Sample(
        b'id,name\r1,"a\rb"\r2,\r',
        [{"id": "1", "name": "a\rb"}, {"id": "2", "name": None}],
        notes=("lines end by a carriage return only",),
    ),
    "a header and nothing else": Sample(b"id,name\n", []),
    "a header without its line end": Sample(b"id,name", []),
    "nothing at all": Sample(b"", []),
    "nothing but blank lines": Sample(b"\n\r\n\n", []),
    "blank lines between rows": Sample(b"\n\nid\n\n1\n \n2\n", [{"id": "1"}, {"id": "2"}]),
    "a sheet with rows of nothing": Sample(
        b"id;name;\r\n;;\r\n1;Ada;\r\n;;\r\n ; ;\r\n", [{"id": "1", "name": "Ada"}],
        notes=("its delimiter is ;", "columns that are not read: 1 without a name"),
    ),
    "decimals with every digit": Sample(
        b"a,b\n123456789012345678901234567890.12345678901234567890,.10\n1e-7,12.\n",
        [{"a": "123456789012345678901234567890.12345678901234567890", "b": "0.10"}, {"a": "0.0000001", "b": "12"}],
        {"a": "decimal", "b": "decimal"},
    ),
    "JSON in cells": Sample(
        b'id,tags,more\n1,"[""a"",""b""]","{""x"": [1]}"\n2,a; b ;,\n',
        [{"id": "1", "tags": ["a", "b"], "more": {"x": [1]}}, {"id": "2", "tags": ["a", "b"], "more": None}],
        {"tags": "list", "more": "object"},
    ),
    "numbers in an array": Sample(b"n\n1;2;x\n", [{"n": [1, 2, "x"]}], {"n": "ints"}),
    "what is no number stays text, for the schema to refuse": Sample(
        b'n,m\n"1,234",12abc\n' + b"9" * 400 + b"," + b"9" * 25 + b"\n1 000,0x10\n",
        [{"n": "1,234", "m": "12abc"}, {"n": "9" * 400, "m": "9" * 25}, {"n": "1 000", "m": "0x10"}],
        {"n": "number", "m": "int"},
        notes=("numbers with a comma are not read without `decimal`, which says what it means: n",),
    ),
    "decimal commas that nobody told of": Sample(
        b"n;m;t\n1,5;1.234,50;1,5\n", [{"n": "1,5", "m": "1.234,50", "t": "1,5"}], {"n": "number", "m": "decimal"}, {},
        ("its delimiter is ;", "numbers with a comma are not read without `decimal`, which says what it means: n, m"),
    ),
    "two marks of the order of bytes": Sample(b"\xef\xbb\xbf\xef\xbb\xbfa,b\n1,2\n", [{"a": "1", "b": "2"}]),
    "a mark in a text that has one": Sample(
        "\ufeffa,b\n1,2\n".encode("utf-16"), [{"a": "1", "b": "2"}], notes=("its encoding is utf-16",)
    ),
    "an optional property that takes no null is left out": Sample(b"a,b,c\n,,x\n", [{"b": None, "c": "x"}], {"a": "optional", "b": "text"}),
    "cells of blanks": Sample(b'a,b,c\n  ,\t,"  "\n', [{"a": None, "b": None, "c": "  "}]),
    "single quotes": Sample(b"a,b\n'1,2','it''s'\n", [{"a": "1,2", "b": "it's"}], {}, {"quote": "'"}),
    "compressed": Sample(gzip.compress(b"a;b\n1;2\n"), [{"a": "1", "b": "2"}], notes=("its delimiter is ;",), name="a.csv.gz"),
}  # fmt: skip


@pytest.mark.parametrize("sample", SAMPLES.values(), ids=SAMPLES.keys())
def test_a_file_is_read_as_a_person_reads_it(sample: Sample, tmp_path: Path) -> None:
    write(tmp_path / sample.name, sample.content)
    root = SchemaNode()
    types = {name: cell_type(SchemaNode.model_validate(TYPES[kind]), root=root) for name, kind in sample.types.items()}
    settings = FileSource(path=sample.name, **{"format": "csv", **sample.settings})
    source = File(FilePlan(settings=settings, base=tmp_path, clock=StepClock(), columns=Columns(types=types)))
    found = asyncio.run(read_all(source))
    assert [json.loads(raw.body) for raw in found if not raw.broken] == sample.rows
    assert [(raw.position.line, raw.broken) for raw in found if raw.broken] == list(sample.broken)
    told = [report.words for report in source.reports() if report.kind == "read"]
    assert told == [f"{sample.name}: {note}" for note in sample.notes]


@pytest.mark.parametrize("sample", SAMPLES.values(), ids=SAMPLES.keys())
def test_reading_goes_on_behind_any_row(sample: Sample, tmp_path: Path) -> None:
    write(tmp_path / sample.name, sample.content)
    settings = FileSource(path=sample.name, **{"format": "csv", **sample.settings})

    def source() -> File:
        return File(FilePlan(settings=settings, base=tmp_path, clock=StepClock()))

    whole = asyncio.run(read_all(source(), most=1))
    for number, done in enumerate(whole, 1):
        rest = asyncio.run(read_all(source(), {done.position.partition: done.position}, most=1))
        assert [(raw.body, raw.position[:3]) for raw in rest] == [
            (raw.body, raw.position[:3]) for raw in whole[number:]
        ]
