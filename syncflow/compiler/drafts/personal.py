"""Guess whether a property is personal data: by its name, in the languages that columns are named in, and by the shape of its values."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from itertools import pairwise
from typing import Final

from syncflow.patterns import lazy_pattern

_WORD: Final = lazy_pattern(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")


def _all(words: str) -> frozenset[str]:
    return frozenset(words.split())


_NAMES: Final = _all("""
    email emails mail emailaddress mailaddress correo courriel epost emailadresse
    phone phones telephone telefon telefono telefone telefoon telefonnummer phonenumber tel mobile mobil movil celular cellphone
    mobilenumber fax whatsapp gsm
    firstname lastname givenname familyname forename surname middlename maidenname fullname displayname nickname birthname
    vorname nachname familienname rufname geburtsname prenom apellido apellidos cognome sobrenome voornaam achternaam
    imie nazwisko fornavn etternavn efternavn fornamn efternamn
    born birth birthday birthdate birthplace dob geburtsdatum geburtstag geburtsort nacimiento naissance nascita nascimento geboortedatum
    urodzenia
    address addresses street streetaddress strasse hausnummer housenumber anschrift adresse adressen direccion calle indirizzo endereco
    rua adres
    postcode postalcode zip zipcode plz postleitzahl codigopostal codepostal
    iban bankaccount accountnumber kontonummer creditcard cardnumber
    ssn socialsecurity socialsecuritynumber passport passportnumber reisepass personalausweis nationalid taxid taxnumber steuerid
    steuernummer
    nif nie dni cpf curp nino bsn pesel personnummer fodselsnummer cpr ahv driverlicense driverslicense licenseplate kennzeichen
    ip ips ipaddress ipv4 ipv6 remoteaddr macaddress latitude longitude lat lng lon geolocation
    gender sex geschlecht religion ethnicity nationality maritalstatus salary gehalt
    photo avatar portrait password passwort passwd
    """)
"""Words, or several written together, that name personal data by themselves."""

_ALONE: Final = _all("nom nome nombre nombres cell handy portable cap cep race")
"""Words that name personal data only where they are the whole name."""

_PAIRS: Final = _all("""
    first-name last-name given-name family-name middle-name maiden-name full-name display-name nick-name birth-name user-name
    sur-name fore-name e-mail e-post mail-address phone-number tel-nr mobile-number cell-phone
    birth-date date-birth birth-day of-birth place-birth geb-datum fecha-nacimiento data-nascita data-nascimento date-naissance
    house-number haus-nummer zip-code post-code postal-code code-postal codigo-postal street-address
    bank-account account-number credit-card card-number social-security passport-number national-id tax-id tax-number steuer-id
    steuer-nummer
    driver-license drivers-license license-plate ip-address mac-address remote-addr marital-status
    """)
"""Neighbouring words of a name."""

_OF_A_PERSON: Final = frozenset(("name", "names", "naam", "navn", "namn"))
"""Names that are personal where the record has another property of a person."""

_NOT_ITSELF: Final = _all("""
    type kind status state count total verified valid validated confirmed at on opt optin optout opted in out consent subject template
    list label format domain allowed enabled flag has is source channel preference preferences id ids uuid length hash provider
    """)
"""A last word that says that the property is about personal data, and holds none; first words of that kind are ``is`` and ``has``."""


def words_of(name: str) -> tuple[str, ...]:
    """Return the words of a name, in small letters without accents: ``dateOfBirth`` and ``date_of_birth`` have the same."""
    plain = unicodedata.normalize("NFKD", name.replace("ß", "ss").replace("ł", "l").replace("Ł", "L"))
    letters = "".join(sign for sign in plain if not unicodedata.combining(sign))
    return tuple(word.lower() for word in _WORD.findall(letters))


def is_personal_name(name: str) -> bool:
    """Return whether a property of this name is personal data by itself."""
    words = words_of(name)
    if not words or words[0] in {"is", "has"}:
        return False
    if len(words) == 1 and words[0] in _ALONE:
        return True
    if len(words) > 1 and words[-1] in _NOT_ITSELF and f"{words[-2]}-{words[-1]}" not in _PAIRS:
        return False
    pairs = {f"{first}-{second}" for first, second in pairwise(words)}
    together = {first + second for first, second in pairwise(words)}
    return bool(_NAMES.intersection(words) or _PAIRS & pairs or _NAMES & together)


def is_name_of_a_person(name: str, beside: Iterable[str]) -> bool:
    """Return whether ``name`` is the name of a person, as other properties of the record tell."""
    words = words_of(name)
    return (
        bool(words)
        and words[-1] in _OF_A_PERSON
        and (len(words) == 1 and any(is_personal_name(other) for other in beside))
    )


SHAPES: Final = {
    "email": "e-mail addresses",
    "e164": "phone numbers",
    "phone": "phone numbers",
    "iban": "IBANs",
    "card": "card numbers",
    "ip": "IP addresses",
    "social security": "social security numbers",
}
"""Kinds of text that are personal data whatever their property is called."""

_CODES: Final = _all("""
    id ids key code nr no num number nummer numero ref reference zip plz postcode postleitzahl cap cep phone telephone telefon telefono tel
    mobile     mobil fax ean gtin isbn sku iban account konto bic vat ssn pin
    """)


def is_code(name: str) -> bool:
    """Return whether digits under this name are a code rather than a number: they may begin with a zero, and others may hold letters."""
    return not _CODES.isdisjoint(words_of(name))


_DAYS: Final = _all("date day datum fecha data birth birthday dob geburtstag geburtsdatum tag dia jour giorno")


def is_day(name: str) -> bool:
    """Return whether eight digits under this name are a day."""
    return not _DAYS.isdisjoint(words_of(name))
