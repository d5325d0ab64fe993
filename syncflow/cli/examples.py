"""What the help of each command shows as examples; a test runs each of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

EXAMPLES: Final[Mapping[str, tuple[str, ...]]] = {
    "init": ("syncflow init my-project",),
    "validate": (
        "syncflow validate --strict",
        "syncflow validate routes.yaml --profile live",
        "syncflow validate --explain SF316",
    ),
    "dry-run": ("syncflow dry-run --events events.jsonl", "syncflow dry-run --events events.jsonl --limit 1 -o json"),
    "explain": ("syncflow explain --events events.jsonl --limit 1", "syncflow explain --code"),
    "test": ("syncflow test", "syncflow test --min-coverage 50 -o json"),
    "check": ("syncflow check", "syncflow check --profile mock"),
    "run": ("syncflow run --limit 5", "syncflow run --limit 5 --quiet --log-format json", "syncflow run --drain"),
    "status": ("syncflow status", "syncflow status A1001 --mask"),
    "replay": ("syncflow replay --since 2h --dry-run",),
    "mock": ("syncflow mock", "syncflow mock --port 9000"),
    "functions": ("syncflow functions", "syncflow functions phone_e164"),
    "docs": ("syncflow docs on_leave", "syncflow docs SF316"),
    "dlq list": ("syncflow dlq list --reasons", "syncflow dlq list --system hubspot --since 2h"),
    "dlq show": ("syncflow dlq show 1 --mask",),
    "dlq redrive": ("syncflow dlq redrive 1 --yes", "syncflow dlq redrive --stage schema --dry-run"),
    "dlq drop": ("syncflow dlq drop 2 --yes", "syncflow dlq drop --code unrouted --yes"),
    "dlq export": ("syncflow dlq export --file letters.jsonl",),
    "journal check": ("syncflow journal check",),
    "journal backup": ("syncflow journal backup copy.db",),
    "journal compact": ("syncflow journal compact",),
    "adapters list": ("syncflow adapters list",),
    "adapters show": ("syncflow adapters show braze",),
    "adapters check": ("syncflow adapters check braze", "syncflow adapters check --system hubspot"),
    "schema pull": ("syncflow schema pull salesforce Contact",),
    "schema export": ("syncflow schema export", "syncflow schema export --kind mapping"),
}
