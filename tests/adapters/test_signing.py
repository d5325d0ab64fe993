"""Signing in with more than a secret: assertions that are signed, tokens that are good once, certificates, hosts that are allowed."""

from __future__ import annotations

import asyncio
import datetime
import ipaddress
import ssl
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest

from syncflow.adapters.connections import Connections
from syncflow.adapters.engine import SystemClient
from syncflow.adapters.gate import OpenGate
from syncflow.adapters.http import open_client
from syncflow.adapters.rotated_secrets import RenewedFile
from syncflow.clock import SystemClock
from syncflow.compiler.wire.system import SystemPlan
from syncflow.compiler.wire.system_settings import Tls
from syncflow.errors import ProjectError, UnavailableError
from syncflow.events import BatchResult, Verdict
from syncflow.testing import VirtualClock, run_virtually
from tests.adapters.kit import Network, plan, shipped, simple_batch, written

SMALL = """
adapter: small
base_url: https://small.test
objects: {Contact: {keys: [ext]}}
auth:
  refresh:
    settings: {refresh_token: secret}
    token:
      request: {post: /token, form: {grant_type: refresh_token, refresh_token: "{{ auth.refresh_token }}"}}
      renews: {refresh_token: refresh_token}
      base_url: address
    headers: {Authorization: "Bearer {{ token.value }}"}
  key: {settings: {key: secret}, headers: {X-Key: "{{ auth.key }}"}}
operations:
  upsert: {repeat: safe, request: {put: "/people/{{ key.value }}", json: payload}}
"""


async def _send(system: SystemPlan, network: Network, renewed: RenewedFile | None = None) -> BatchResult:
    async with open_client(transport=network.transport) as http:
        client = SystemClient(system, http=http, gate=OpenGate(), clock=VirtualClock(), renewed=renewed)
        return await client.send(simple_batch())


def test_an_assertion_says_who_we_are_for_a_short_time_and_is_signed() -> None:
    jwt = pytest.importorskip("jwt")
    rsa = pytest.importorskip("cryptography.hazmat.primitives.asymmetric.rsa")
    from cryptography.hazmat.primitives import serialization as written_as

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(written_as.Encoding.PEM, written_as.PrivateFormat.PKCS8, written_as.NoEncryption()).decode()
    auth = {"client_id": "app", "username": "ada@example.com", "private_key": pem.replace("\n", "\\n")}
    system = plan(shipped("salesforce"), auth=auth)
    token = {"status": 200, "json": {"access_token": "t", "instance_url": "http://vendor.test/base"}}
    network = Network([{"got": token}, {"got": {"status": 200, "json": [{"success": True, "id": "1"}]}}])
    assert run_virtually(_send(system, network)).outcomes[0].verdict is Verdict.DELIVERED
    form = parse_qs(network.seen[0].content.decode())
    assert form["grant_type"] == ["urn:ietf:params:oauth:grant-type:jwt-bearer"]
    claims = jwt.decode(
        form["assertion"][0], key.public_key(), algorithms=["RS256"], options={"verify_exp": False, "verify_aud": False}
    )
    assert claims == {
        "iss": "app", "sub": "ada@example.com", "aud": "https://login.salesforce.com", "iat": 1_700_000_000, "exp": 1_700_000_180,
    }  # fmt: skip


def test_a_key_that_is_none_stops_the_system_and_is_not_told() -> None:
    pytest.importorskip("jwt")
    system = plan(shipped("salesforce"), auth={"client_id": "app", "username": "a", "private_key": "planted-key"})
    result = run_virtually(_send(system, Network([])))
    assert result.signal is not None
    assert result.signal.kind == "stop"
    assert "no RS256 key" in result.signal.reason
    assert "planted-key" not in repr(result)


def _token(number: int) -> dict[str, Any]:
    answer = {"access_token": f"a{number}", "refresh_token": f"r{number}", "address": "http://vendor.test/base"}
    return {"got": {"status": 200, "json": answer}, "sent": {"post": "/token"}}


DONE = {"got": {"status": 200, "json": {}}}


def test_a_refresh_token_that_is_good_once_outlives_the_process(tmp_path: Path) -> None:
    system = plan(written(SMALL, tmp_path), auth={"refresh_token": "r0"})
    kept = tmp_path / ".syncflow" / "renewed.json"
    used = []
    for number in (1, 2):
        network = Network([_token(number), DONE])
        run_virtually(_send(system, network, RenewedFile(kept)))
        used.append(parse_qs(network.seen[0].content.decode())["refresh_token"][0])
    assert used == ["r0", "r1"]
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600


def test_a_refresh_token_that_a_person_gives_anew_counts(tmp_path: Path) -> None:
    kept = RenewedFile(tmp_path / "renewed.json")
    kept.write("crm", {"refresh_token": "r0"}, {"refresh_token": "r1"})
    assert kept.read("crm", {"refresh_token": "r0"}) == {"refresh_token": "r1"}
    assert kept.read("crm", {"refresh_token": "new"}) == {}


def test_only_allowed_hosts_are_asked(tmp_path: Path) -> None:
    def elsewhere(hosts: list[str]) -> BatchResult:
        system = plan(written(SMALL, tmp_path), auth={"refresh_token": "r0"}, allow_hosts=hosts)
        answer = {"access_token": "a", "address": "http://eu.other.test"}
        return run_virtually(_send(system, Network([{"got": {"status": 200, "json": answer}}, DONE])))

    assert elsewhere(["*.other.test"]).outcomes[0].verdict is Verdict.DELIVERED
    refused = elsewhere(["*.small.test"])
    assert refused.outcomes[0].verdict is Verdict.RETRY
    assert refused.signal is not None
    assert refused.signal.kind == "stop"
    assert refused.signal.reason == (
        "a request to eu.other.test is not sent: allow_hosts of the system crm does not name it"
    )


def test_a_redirect_carries_no_credentials_anywhere(tmp_path: Path) -> None:
    system = plan(written(SMALL, tmp_path), auth={"key": "planted"})
    network = Network([{"got": {"status": 307, "headers": {"Location": "http://elsewhere.test/"}}}])
    result = run_virtually(_send(system, network))
    assert [request.url.host for request in network.seen] == ["vendor.test"]
    assert result.signal is not None
    assert result.signal.kind == "stop"


class Certificates:
    """An authority of our own, a server's certificate and a client's."""

    def __init__(self, folder: Path) -> None:
        x509 = pytest.importorskip("cryptography.x509")
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.hazmat.primitives.asymmetric import ec

        self.folder = folder
        now = datetime.datetime.now(datetime.UTC)
        authority = ec.generate_private_key(ec.SECP256R1())
        issuer = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "an authority")])
        for name in ("ca", "server", "client"):
            key = authority if name == "ca" else ec.generate_private_key(ec.SECP256R1())
            subject = issuer if name == "ca" else x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
            builder = (
                x509.CertificateBuilder()
                .subject_name(subject)
                .issuer_name(issuer)
                .public_key(key.public_key())
                .serial_number(x509.random_serial_number())
                .not_valid_before(now - datetime.timedelta(hours=1))
                .not_valid_after(now + datetime.timedelta(hours=1))
                .add_extension(x509.BasicConstraints(ca=name == "ca", path_length=None), critical=True)
                .add_extension(
                    x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
                )
                .add_extension(
                    _uses(x509, signs=name == "ca"), critical=True
                )  # what newer Pythons ask of a certificate
                .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
                .add_extension(
                    x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.public_key()), critical=False
                )
            )
            certificate = builder.sign(authority, hashes.SHA256())
            self.path(name).write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
            self.path(f"{name}-key").write_bytes(
                key.private_bytes(
                    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
                )
            )

    def path(self, name: str) -> Path:
        return self.folder / f"{name}.pem"

    def for_a_server(self, *, asks: bool) -> ssl.SSLContext:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(self.path("ca")))
        context.load_cert_chain(self.path("server"), self.path("server-key"))
        context.verify_mode = ssl.CERT_REQUIRED if asks else ssl.CERT_NONE
        return context


def _uses(x509: Any, *, signs: bool) -> Any:
    others = ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "crl_sign")
    never = dict.fromkeys((*others, "encipher_only", "decipher_only"), False)
    return x509.KeyUsage(digital_signature=True, key_cert_sign=signs, **never)


async def _over_tls(certificates: Certificates, directory: Path, *, asks: bool, tls: Mapping[str, Any]) -> BatchResult:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=certificates.for_a_server(asks=asks))
    async with server, Connections() as connections:
        address = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        system = plan(written(SMALL, directory), base_url=address, auth={"key": "k"}, tls=tls)
        client = SystemClient(system, http=connections.of(system), gate=OpenGate(), clock=SystemClock())
        return await client.send(simple_batch())


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("certificates"))


def test_an_authority_of_our_own_is_believed_where_a_system_names_it(
    certificates: Certificates, tmp_path: Path
) -> None:
    ca = str(certificates.path("ca"))
    known = asyncio.run(_over_tls(certificates, tmp_path, asks=False, tls={"ca": ca}))
    unknown = asyncio.run(_over_tls(certificates, tmp_path, asks=False, tls={}))
    assert (known.outcomes[0].verdict, unknown.outcomes[0].code) == (Verdict.DELIVERED, "no_connection")


def test_an_authority_of_the_environment_is_believed(
    certificates: Certificates, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates.path("ca")))
    result = asyncio.run(_over_tls(certificates, tmp_path, asks=False, tls={}))
    assert result.outcomes[0].verdict is Verdict.DELIVERED


def test_a_server_that_asks_who_we_are_is_shown_our_certificate(certificates: Certificates, tmp_path: Path) -> None:
    tls = {
        name: str(certificates.path(file))
        for name, file in (("ca", "ca"), ("certificate", "client"), ("key", "client-key"))
    }
    shown = asyncio.run(_over_tls(certificates, tmp_path, asks=True, tls=tls))
    hidden = asyncio.run(_over_tls(certificates, tmp_path, asks=True, tls={"ca": tls["ca"]}))
    assert shown.outcomes[0].verdict is Verdict.DELIVERED
    assert hidden.outcomes[0].verdict is Verdict.RETRY


def test_certificates_that_are_not_there_or_are_none_are_named(tmp_path: Path) -> None:
    with pytest.raises(ProjectError) as missing:
        plan(written(SMALL, tmp_path), auth={"key": "k"}, tls={"ca": str(tmp_path / "ours.pem"), "key": "k.pem"})
    assert [found.message for found in missing.value.diagnostics] == [
        "crm: there is no file ours.pem", "crm: there is no file k.pem", "crm: a key needs a certificate beside it",
    ]  # fmt: skip
    (tmp_path / "ours.pem").write_text("nothing")
    with pytest.raises(UnavailableError, match=r"^the certificates ours\.pem cannot be used: "):
        open_client(tls=Tls(ca=tmp_path / "ours.pem"))


def test_a_transport_of_a_test_serves_every_system() -> None:
    connections = Connections(transport=httpx.MockTransport(lambda _: httpx.Response(200)))
    first, second = (plan(shipped("hubspot"), auth={"token": "t"}) for _ in range(2))
    assert connections.of(first) is connections.of(second)


def test_a_token_that_cannot_be_kept_still_serves_and_a_person_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "in-the-way").write_text("a file where a folder is wanted")
    system = plan(written(SMALL, tmp_path), auth={"refresh_token": "r0"})
    result = run_virtually(
        _send(system, Network([_token(1), DONE]), RenewedFile(tmp_path / "in-the-way" / "renewed.json"))
    )
    assert result.outcomes[0].verdict is Verdict.DELIVERED
    assert [record.getMessage() for record in caplog.records] == ["sign_in.renewed_setting_not_kept"]
    assert "r1" not in caplog.text


def test_a_person_signs_in_to_salesforce_and_a_system_that_does_not_ask_for_it_signs_in_by_itself(
    tmp_path: Path,
) -> None:
    given: dict[str, Any] = {"client_id": "app", "client_secret": "planted"}
    alone = plan(shipped("salesforce"), auth=given)
    assert alone.details is not None
    assert alone.details.sign_in.name == "client_credentials"
    network = Network(
        [
            {
                "sent": {
                    "post": "/services/oauth2/token",
                    "headers": {"content-type": "application/x-www-form-urlencoded"},
                },
                "got": {"status": 200, "json": {"refresh_token": "r-1", "access_token": "a-1"}},
            }
        ]
    )
    kept = RenewedFile(tmp_path / "renewed.json")

    async def main() -> str:
        async with open_client(transport=network.transport) as http:
            system = plan(shipped("salesforce"), auth={"use": "refresh_token", **given})
            client = SystemClient(system, http=http, gate=OpenGate(), clock=VirtualClock(), renewed=kept)
            consent = client.consent("http://127.0.0.1:8765/")
            await consent.finish("code-1")
            return consent.page()

    page = httpx.URL(run_virtually(main()))
    assert page.path == "/base/services/oauth2/authorize"
    assert {name: page.params[name] for name in ("client_id", "scope", "response_type", "code_challenge_method")} == {
        "client_id": "app",
        "scope": "api refresh_token",
        "response_type": "code",
        "code_challenge_method": "S256",
    }
    sent = {name: values[0] for name, values in parse_qs(network.seen[0].content.decode()).items()}
    assert sent.pop("code_verifier")
    assert sent == {
        "grant_type": "authorization_code",
        "code": "code-1",
        "redirect_uri": "http://127.0.0.1:8765/",
        **given,
    }
    assert "r-1" in (tmp_path / "renewed.json").read_text("utf-8")
