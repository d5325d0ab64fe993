"""Events of OpenLineage as JSON: https://openlineage.io/spec/2-0-2/OpenLineage.json and the facets that are named below. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal
from uuid import NAMESPACE_URL, uuid5

import syncflow
from syncflow.compiler.lineage.datasets import Dataset
from syncflow.compiler.lineage.ways import Column, Way
from syncflow.runtime.run_name import RunName

State = Literal["START", "RUNNING", "COMPLETE", "ABORT", "FAIL"]
PRODUCER = f"urn:syncflow:{syncflow.__version__}"
_SPEC = "https://openlineage.io/spec"
_EVENT = f"{_SPEC}/2-0-2/OpenLineage.json#/$defs/RunEvent"
_JOB_TYPE = f"{_SPEC}/facets/2-0-3/JobTypeJobFacet.json#/$defs/JobTypeJobFacet"
_SCHEMA = f"{_SPEC}/facets/1-1-1/SchemaDatasetFacet.json#/$defs/SchemaDatasetFacet"
_COLUMNS = f"{_SPEC}/facets/1-2-0/ColumnLineageDatasetFacet.json#/$defs/ColumnLineageDatasetFacet"
_STATISTICS = f"{_SPEC}/facets/1-0-2/OutputStatisticsOutputDatasetFacet.json#/$defs/OutputStatisticsOutputDatasetFacet"
_ERROR = f"{_SPEC}/facets/1-0-1/ErrorMessageRunFacet.json#/$defs/ErrorMessageRunFacet"
_ENGINE = f"{_SPEC}/facets/1-1-1/ProcessingEngineRunFacet.json#/$defs/ProcessingEngineRunFacet"

Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFacts:
    """What is the same in all events of one run. ``is_streaming``: it has no end of its own."""

    namespace: str
    name: RunName
    is_streaming: bool


def event(told: RunFacts, way: Way, state: State, *, at: float, written: int | None = None, error: str = "") -> Json:
    """Return an event about one way of a run; ``written``: how many deliveries it took so far, ``error``: why it failed."""
    return {
        "eventType": state,
        "eventTime": datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds"),
        "producer": PRODUCER,
        "schemaURL": _EVENT,
        "run": {"runId": run_id(told, way), "facets": _of_the_run(error)},
        "job": {"namespace": told.namespace, "name": way.route, "facets": _of_the_job(told)},
        "inputs": [_dataset(each, {"schema": _schema(way.read)}) for each in way.inputs],
        "outputs": [
            _dataset(way.output, {"schema": _schema(way.written), "columnLineage": _columns(way.inputs, way)})
            | ({} if written is None else {"outputFacets": {"outputStatistics": _facet(_STATISTICS, rowCount=written)}})
        ],
    }


def run_id(told: RunFacts, way: Way) -> str:
    """Return the id of a way's run: the same however often it is told."""
    return str(uuid5(NAMESPACE_URL, f"syncflow:{told.namespace}/{told.name.run}/{way.route}"))


def _of_the_run(error: str) -> Json:
    engine = _facet(_ENGINE, name="syncflow", version=syncflow.__version__)
    failed = {"errorMessage": _facet(_ERROR, message=error, programmingLanguage="syncflow")} if error else {}
    return {"processing_engine": engine, **failed}


def _of_the_job(told: RunFacts) -> Json:
    processing = "STREAMING" if told.is_streaming else "BATCH"
    return {"jobType": _facet(_JOB_TYPE, processingType=processing, integration="SYNCFLOW", jobType="ROUTE")}


def _schema(columns: Sequence[Column]) -> Json:
    fields = [{"name": each.name, **({"type": each.type} if each.type else {})} for each in columns]
    return _facet(_SCHEMA, fields=fields)


def _columns(inputs: Sequence[Dataset], way: Way) -> Json:
    """Say of each field which columns it is made of; one that reads none is left out."""
    fields = {
        column.name: {"inputFields": [_input(each, read, column) for each in inputs for read in column.reads]}
        for column in way.written
        if column.reads
    }
    return _facet(_COLUMNS, fields=fields)


def _input(dataset: Dataset, read: str, column: Column) -> Json:
    how = {"type": "DIRECT", "subtype": "IDENTITY" if column.is_copied else "TRANSFORMATION"}
    return {"namespace": dataset.namespace, "name": dataset.name, "field": read, "transformations": [how]}


def _dataset(dataset: Dataset, facets: Mapping[str, Json]) -> Json:
    return {"namespace": dataset.namespace, "name": dataset.name, "facets": dict(facets)}


def _facet(schema: str, **values: Any) -> Json:
    return {"_producer": PRODUCER, "_schemaURL": schema, **values}
