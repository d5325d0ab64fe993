"""Names of people come apart as people would take them apart."""

from __future__ import annotations

import pytest

from syncflow.compiler.functions.names import split_name

CASES = {
    "Ada Lovelace": ("Ada", "Lovelace"),
    "  Ada   Lovelace  ": ("Ada", "Lovelace"),
    "Lovelace, Ada": ("Ada", "Lovelace"),
    "Ada": ("Ada", None),
    "": (None, None),
    ",": (None, None),
    "Lovelace,": ("Lovelace", None),
    ", Ada": ("Ada", None),
    "Ada King Lovelace": ("Ada King", "Lovelace"),
    "Ludwig van Beethoven": ("Ludwig", "van Beethoven"),
    "Vincent Van Gogh": ("Vincent", "Van Gogh"),
    "Johannes van der Berg": ("Johannes", "van der Berg"),
    "van der Berg": (None, "van der Berg"),
    "Al Pacino": ("Al", "Pacino"),
    "Leonardo da Vinci": ("Leonardo", "da Vinci"),
    "Charles de Gaulle": ("Charles", "de Gaulle"),
    "Dr. Ada Lovelace": ("Ada", "Lovelace"),
    "Prof. Dr. Max von der Heide": ("Max", "von der Heide"),
    "Martin Luther King Jr.": ("Martin Luther", "King"),
    "Martin Luther King, Jr.": ("Martin Luther", "King"),
    "King, Martin Luther, Jr.": ("Martin Luther", "King"),
    "John Smith III": ("John", "Smith"),
    "Ada Lovelace, Ph.D.": ("Ada", "Lovelace"),
    "Lovelace, Dr. Ada": ("Ada", "Lovelace"),
    "van der Berg, Anna": ("Anna", "van der Berg"),
    "García Márquez, Gabriel": ("Gabriel", "García Márquez"),
    "Jean-Luc Picard": ("Jean-Luc", "Picard"),
    "Conan O'Brien": ("Conan", "O'Brien"),
    "山田 太郎": ("山田", "太郎"),
    "Bo Lee (Acme)": ("Bo", "Lee"),
    "Bo (Acme)": ("Bo", None),
    "(Bo) Lee": ("Lee", None),
    "Lee (Acme), Bo": ("Bo", "Lee"),
    "Bo Lee [Acme, Inc.]": ("Bo", "Lee"),
    "Bo Lee (Acme": ("Bo", "Lee"),
    "(Acme)": ("(Acme)", None),
    "Mr.": ("Mr.", None),
    "Jr.": ("Jr.", None),
}


@pytest.mark.parametrize(("name", "parts"), CASES.items(), ids=CASES)
def test_a_name_comes_apart(name: str, parts: tuple[str | None, str | None]) -> None:
    assert split_name(name) == parts
