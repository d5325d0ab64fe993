"""Send the rows of a JSONL file with dlt: a destination function of our own, as its documentation shows for sending data back to an API.

Run by the suite `others` in the environment of requirements-others.lock: python dlt_rows.py ROWS URL BATCH JOBS
"""

import json
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dlt
import requests

rows_path, url, batch, jobs = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
of_thread = threading.local()


def session() -> requests.Session:
    if not hasattr(of_thread, "session"):
        of_thread.session = requests.Session()
    return of_thread.session


def mapped(row: dict[str, Any]) -> dict[str, Any]:
    first, _, last = row["name"].partition(" ")
    return {
        "id": row["id"],
        "first": first[:40],
        "last": (last or "Unknown")[:80],
        "email": row["email"].lower(),
        "phone": row.get("phone"),
        "source": "dlt",
        "kind": row["contact_type"].capitalize(),
        "about": f"{row['name']} ({row['contact_type']})",
        "domain": row["email"].partition("@")[2].lower(),
        "created": str(row["created_at"]),
        "updated": str(row["updated_at"]),
    }


@dlt.destination(batch_size=batch, name="sink", loader_parallelism_strategy="parallel", max_parallel_load_jobs=jobs)
def sink(items: Any, table: Any) -> None:
    payloads = [mapped(item) for item in items]
    body = payloads if batch > 1 else payloads[0]
    session().post(url, json=body, timeout=30).raise_for_status()


@dlt.resource(name="contacts", write_disposition="append")
def contacts() -> Iterator[dict[str, Any]]:
    with rows_path.open("rb") as file:
        for line in file:
            yield json.loads(line)["item"]


pipeline = dlt.pipeline("bench", destination=sink, pipelines_dir=str(rows_path.parent / "dlt"))
pipeline.run(contacts()).raise_on_failed_jobs()
