"""Five jobs that new users come with, done as the documents say, each as real processes against systems that answer."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx

from syncflow.mock.server import running_mock
from tests.journeys.sides import SYNCFLOW, UNLIMITED, default_project, held, run
from tests.patience import PATIENCE, until
from tests.ports import free_port, is_listening


def cli(directory: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end in a project."""
    return subprocess.run(
        [*SYNCFLOW, *arguments],
        cwd=directory,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


def write(directory: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return directory / "routes.yaml"


# -- a file of customers, as people have it, into one CRM ----------------------------------------------------------------------

CUSTOMERS = {
    "routes.yaml": """
source: {file: {path: customers.csv}}
envelope: {record: "'customer'", operation: "'update'", timestamp: null, item: "@"}
records:
  customer: {schema: schemas/customer.yaml, id: item."Customer No"}
systems:
  hubspot:
    adapter: hubspot
    base_url: "${MOCK_URL:-http://127.0.0.1:8000}/hubspot"
    auth: {token: demo}
routes:
  - {record: customer, to: hubspot, mapping: mappings/customer.yaml}
""",
    "schemas/customer.yaml": """
type: object
required: ["Customer No"]
properties:
  Customer No: {type: string, minLength: 1, pattern: '\\S'}
  Name: {type: [string, "null"], maxLength: 200, personal: true}
  E-Mail: {type: [string, "null"], personal: true}
  Phone: {type: [string, "null"], personal: true}
  Country: {type: [string, "null"]}
""",
    "mappings/customer.yaml": """
source: customer
target: hubspot/contacts
key: syncflow_id
fields:
  syncflow_id: item."Customer No"
  firstname: first_name(item.Name) || 'Unknown'
  lastname: last_name(item.Name)
  email: normalize_email(item."E-Mail")
  phone: phone_e164(item.Phone, 'DE')
  country: country_name(item.Country)
""",
    "objects/hubspot_contacts.yaml": """
object: contacts
fields:
  syncflow_id: {type: text, unique: true, label: Our id}
""",
}


def test_a_messy_file_of_customers_goes_to_one_crm(tmp_path: Path) -> None:
    """Semicolons, windows-1252, blanks, a phone number that is none, a row without a number: all in, or explained."""
    project = write(tmp_path, CUSTOMERS)
    rows = [
        "Customer No;Name;E-Mail;Phone;Country",
        "007;Grace Hopper ; GRACE@Example.com;030 / 123456;Deutschland",
        "008;Jürgen Müller;juergen@example.com;call me;DE",
        '009;"Smith; Ann";;;',
        ";Nobody;nobody@example.com;;",
    ]
    (tmp_path / "customers.csv").write_bytes("\r\n".join(rows).encode("windows-1252"))
    with running_mock(UNLIMITED) as mock:
        assert cli(tmp_path, "validate", "--strict", MOCK_URL=mock.url).returncode == 0
        looked = cli(tmp_path, "dry-run", MOCK_URL=mock.url)
        assert all(name in looked.stdout for name in ("Grace", "Jürgen")), looked.stderr
        ran = run(project, mock.url)
        found = held(mock.url, "hubspot", "contacts")
        again = run(project, mock.url)
    assert (ran.code, ran.ending["dead_letters"], ran.ending["open"]) == (1, 1, 0), ran.err
    assert set(found) == {"007", "008", "009"}
    assert {name: found["007"].get(name) for name in ("firstname", "lastname", "email", "phone", "country")} == {
        "firstname": "Grace",
        "lastname": "Hopper",
        "email": "grace@example.com",
        "phone": "+4930123456",
        "country": "Germany",
    }
    assert found["008"]["lastname"] == "Müller"
    assert not found["008"].get("phone")
    letters = cli(tmp_path, "dlq", "list")
    assert "Customer No" in letters.stdout
    assert again.ending["events"]["read"] == 0, "a file that has not changed is not read again"


# -- orders with their lines into an API of one's own --------------------------------------------------------------------------


@dataclass
class OwnApi:
    """An API that takes an order by PUT and forgets it by DELETE, with a token."""

    orders: dict[str, Any] = field(default_factory=dict)
    refused: int = 0
    answers: list[int] = field(default_factory=list)
    """Statuses to answer before it works."""


@contextmanager
def serving(api: OwnApi) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_PUT(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if self._is_welcome():
                api.orders[self.path.rpartition("/")[2]] = body
                self._reply(200, {"id": self.path.rpartition("/")[2]})

        def do_DELETE(self) -> None:
            if self._is_welcome():
                known = api.orders.pop(self.path.rpartition("/")[2], None)
                self._reply(200 if known else 404, {})

        def _is_welcome(self) -> bool:
            if api.answers:
                self._reply(api.answers.pop(0), {"error": "busy"})
            elif self.headers.get("Authorization") != "Bearer order-token":
                api.refused += 1
                self._reply(401, {"error": "who are you?"})
            else:
                return True
            return False

        def _reply(self, status: int, body: dict[str, Any]) -> None:
            text = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: Any) -> None:
            return None

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join(timeout=PATIENCE)


ORDERS = {
    "routes.yaml": """
source: {file: {path: orders.jsonl}}
records:
  order: {schema: schemas/order.yaml, id: item.number}
systems:
  shop: {adapter: shop, base_url: "${SHOP_URL}", auth: {token: "${SHOP_TOKEN}"}}
routes:
  - {record: order, to: shop, mapping: mappings/order.yaml}
retry: {attempts: 5, first: 20ms, most: 100ms}
""",
    "schemas/order.yaml": """
type: object
required: [number, lines]
properties:
  number: {type: string, minLength: 1}
  currency: {type: string}
  lines:
    type: array
    items:
      type: object
      required: [sku, quantity, price]
      properties:
        sku: {type: string}
        quantity: {type: integer}
        price: {type: number}
""",
    "mappings/order.yaml": """
source: order
target: shop/orders
key: number
fields:
  number: item.number
  currency: upper(item.currency) || 'EUR'
  positions: "item.lines[].{article: sku, count: quantity, amount: multiply(quantity, price)}"
  total: sum(item.lines[].multiply(quantity, price))
tests:
  - name: two positions
    given: {item: {number: "1", lines: [{sku: A, quantity: 2, price: 1.5}, {sku: B, quantity: 1, price: 4}]}}
    expect: {total: 7, currency: EUR}
""",
    "adapters/shop.yaml": """
adapter: shop
base_url: https://shop.example.com
auth:
  token: {settings: {token: secret}, headers: {Authorization: "Bearer {{ auth.token }}"}}
objects:
  orders: {keys: [number]}
operations:
  upsert:
    repeat: safe
    request: {put: "/orders/{{ key.value }}", json: payload}
  delete:
    repeat: safe
    request: {delete: "/orders/{{ key.value }}"}
outcomes:
  - {status: 404, operation: delete, then: already_done}
""",
}


def order(number: str, operation: str = "create", **item: Any) -> dict[str, Any]:
    lines = [{"sku": "A", "quantity": 2, "price": 1.5}, {"sku": "B", "quantity": 1, "price": 4}]
    return {
        "record": "order",
        "operation": operation,
        "timestamp": "2026-01-01T00:00:00Z",
        "item": {"number": number, "lines": lines, **item},
    }


def test_orders_with_their_lines_go_to_an_api_of_ones_own(tmp_path: Path) -> None:
    write(tmp_path, ORDERS)
    events = [order("1", currency="usd"), order("2"), order("3", "delete"), order("2", "delete"), order("4", lines=1)]
    (tmp_path / "orders.jsonl").write_text("".join(json.dumps(event) + "\n" for event in events), "utf-8")
    api = OwnApi(answers=[503, 503])
    with serving(api) as url:
        settings = {"SHOP_URL": url, "SHOP_TOKEN": "order-token"}
        assert cli(tmp_path, "validate", "--strict", **settings).returncode == 0
        assert cli(tmp_path, "test", **settings).returncode == 0
        ran = cli(tmp_path, "run", "--output", "json", **settings)
    ending = json.loads(ran.stdout)
    assert (ran.returncode, ending["dead_letters"], ending["open"]) == (1, 1, 0), ran.stderr
    assert api.orders == {
        "1": {
            "number": "1",
            "currency": "USD",
            "positions": [{"article": "A", "count": 2, "amount": 3}, {"article": "B", "count": 1, "amount": 4}],
            "total": 7,
        }
    }


def test_a_wrong_token_costs_no_order_anything(tmp_path: Path) -> None:
    """Ten orders and a wrong token: the system stops, nothing is buried, and the right token brings everything."""
    write(tmp_path, ORDERS)
    (tmp_path / "orders.jsonl").write_text("".join(json.dumps(order(str(n))) + "\n" for n in range(10)), "utf-8")
    api = OwnApi()
    with serving(api) as url:
        wrong = cli(tmp_path, "run", "--output", "json", SHOP_URL=url, SHOP_TOKEN="wrong" + "-token")
        ending = json.loads(wrong.stdout)
        assert (wrong.returncode, ending["dead_letters"], len(ending["systems_stopped"])) == (1, 0, 1), wrong.stderr
        right = cli(tmp_path, "run", "--output", "json", SHOP_URL=url, SHOP_TOKEN="order-token")
    assert (right.returncode, len(api.orders)) == (0, 10), right.stderr


# -- a webhook into Salesforce -------------------------------------------------------------------------------------------------


def test_what_is_posted_reaches_salesforce(tmp_path: Path) -> None:
    """Bodies with several contacts and a bearer token; a stop by SIGTERM ends the service cleanly."""
    port = free_port()
    hook = f'webhook: {{listen: "127.0.0.1:{port}", path: /contacts, auth: {{bearer: [a-token-of-ours]}}}}'
    project = default_project(tmp_path, source=hook)
    text = project.read_text("utf-8")
    envelope = (
        'envelope: {each: contacts, record: "\'contacts\'", operation: "\'update\'", timestamp: null, item: "@"}\n'
    )
    project.write_text(envelope + text, "utf-8")
    contacts = [{"id": f"W{n}", "name": f"Ada L{n}", "contact_type": "lead"} for n in range(20)]
    contacts.append({"id": "W99", "name": "Ada", "contact_type": "alien"})
    with running_mock(UNLIMITED) as mock:
        environment = os.environ | {"MOCK_URL": mock.url}
        service = subprocess.Popen(
            [*SYNCFLOW, "run", "routes.yaml", "--quiet"],
            cwd=tmp_path,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        try:
            until(lambda: is_listening(port))
            url = f"http://127.0.0.1:{port}/contacts"
            stranger = httpx.post(url, json={"contacts": contacts[:1]}, timeout=PATIENCE)
            said = httpx.post(
                url, json={"contacts": contacts}, headers={"Authorization": "Bearer a-token-of-ours"}, timeout=PATIENCE
            )
            until(lambda: len(held(mock.url, "salesforce", "Contact")) == 20)
        finally:
            service.send_signal(signal.SIGTERM)
            out, err = service.communicate(timeout=PATIENCE)
        found = held(mock.url, "salesforce", "Contact")
    assert (stranger.status_code, said.status_code) == (401, 200)
    assert service.returncode == 128 + signal.SIGTERM, out.decode() + err.decode()
    assert found["W7"]["LastName"] == "L7"
    letters = json.loads(cli(tmp_path, "dlq", "list", "--output", "json").stdout)["dead_letters"]
    assert ["item.contact_type" in letter["reason"] for letter in letters] == [True]


# -- several systems, moves between them and deletes ---------------------------------------------------------------------------


def contact(record: str, kind: str, operation: str = "update") -> dict[str, Any]:
    item = {"id": record, "name": "Ada Lovelace", "contact_type": kind}
    return {"record": "contacts", "operation": operation, "timestamp": "2026-01-01T00:00:00Z", "item": item}


def test_records_move_between_systems_and_are_deleted_where_they_are(tmp_path: Path) -> None:
    project = default_project(tmp_path)
    text = project.read_text("utf-8").replace(
        "  - by: item.contact_type\n", "  - by: item.contact_type\n    on_leave: delete\n"
    )
    project.write_text(text, "utf-8")
    path = tmp_path / "events.jsonl"
    days = [
        [contact("A", "lead", "create"), contact("B", "customer", "create"), contact("C", "vendor", "create")],
        [contact("A", "customer"), contact("B", "customer", "delete"), contact("D", "lead", "delete")],
        [contact("A", "lead"), contact("C", "employee"), contact("B", "lead", "create")],
    ]
    expected = [({"A"}, {"B", "C"}), (set(), {"A", "C"}), ({"A", "B", "C"}, set())]
    with running_mock(UNLIMITED) as mock:
        for events, (salesforce, hubspot) in zip(days, expected, strict=True):
            with path.open("a", encoding="utf-8") as file:
                file.writelines(json.dumps(event) + "\n" for event in events)
            ran = run(project, mock.url)
            assert (ran.code, ran.ending["dead_letters"], ran.ending["open"]) == (0, 0, 0), ran.err
            assert set(held(mock.url, "salesforce", "Contact")) == salesforce
            assert set(held(mock.url, "hubspot", "contacts")) == hubspot


# -- operating through outages -------------------------------------------------------------------------------------------------


def test_an_outage_delays_one_system_and_costs_nothing(tmp_path: Path) -> None:
    """One system is down for a whole run and says so; the other gets everything; the next run brings the rest."""
    project = default_project(tmp_path)
    text = project.read_text("utf-8") + "\nretry: {attempts: 3, first: 20ms, most: 100ms}\n"
    project.write_text(text, "utf-8")
    events = [contact(f"A{n}", "lead" if n % 2 else "customer", "create") for n in range(40)]
    (tmp_path / "events.jsonl").write_text("".join(json.dumps(event) + "\n" for event in events), "utf-8")
    with running_mock(UNLIMITED) as mock:
        down = {"hubspot": {"faults": {"status_503": 1.0}}}
        httpx.put(f"{mock.url}/admin/settings", json=down, timeout=PATIENCE).raise_for_status()
        first = run(project, mock.url, "--wait", "3")
        assert (first.code, first.ending["dead_letters"], first.ending["open"]) == (1, 0, 20), first.err
        assert len(held(mock.url, "salesforce", "Contact")) == 20
        told = cli(tmp_path, "status").stdout
        assert "hubspot" in told
        httpx.put(f"{mock.url}/admin/settings", json={"hubspot": {"faults": {}}}, timeout=PATIENCE).raise_for_status()
        second = run(project, mock.url, "--drain")
        assert (second.code, second.ending["open"]) == (0, 0), second.err
        assert len(held(mock.url, "hubspot", "contacts")) == 20
