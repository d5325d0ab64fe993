"""Composite requests: several calls in one, later ones using what earlier ones answered, all or nothing if asked."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import orjson

from ..wire import Answer, Call, Routes, json_answer
from .org import Salesforce
from .problems import Problem, error_answer, refuse
from .rows import body_object
from .transaction import Transaction

_MOST, _MOST_NODES, _MOST_GRAPHS = 25, 500, 75
_REFERENCE = re.compile(r"@\{([^}]+)\}")
_HALTED = Problem(
    "PROCESSING_HALTED",
    "The transaction was rolled back since another operation in the same transaction failed.",
    None,
)
_BATCH_HALTED = Problem("BATCH_PROCESSING_HALTED", "A request before this one failed, and the batch was to halt.", None)
routes = Routes()


@routes.on("POST", "/composite")
def composite(org: Salesforce, call: Call) -> Answer:
    """Carry out several calls, one after the other."""
    sent = body_object(call)
    parts = _parts(sent.get("compositeRequest"), _MOST)
    done, _ = _carry_out(org, call, parts, together=sent.get("allOrNone") is True)
    return json_answer(200, {"compositeResponse": done})


@routes.on("POST", "/composite/graph")
def graph(org: Salesforce, call: Call) -> Answer:
    """Carry out graphs of calls, each of them whole or not at all."""
    graphs = body_object(call).get("graphs")
    if not isinstance(graphs, list) or len(graphs) > _MOST_GRAPHS or not all(isinstance(each, dict) for each in graphs):
        raise refuse(400, "INVALID_INPUT", f"The request needs a list of at most {_MOST_GRAPHS} graphs.")
    answered = []
    for each in graphs:
        done, good = _carry_out(org, call, _parts(each.get("compositeRequest"), _MOST_NODES), together=True)
        answered.append(
            {"graphId": each.get("graphId"), "graphResponse": {"compositeResponse": done}, "isSuccessful": good}
        )
    return json_answer(200, {"graphs": answered})


@routes.on("POST", "/composite/batch")
def batch(org: Salesforce, call: Call) -> Answer:
    """Carry out several calls that know nothing of each other."""
    sent = body_object(call)
    parts = _parts(sent.get("batchRequests"), _MOST)
    results: list[dict[str, Any]] = []
    failed = False
    for part in parts:
        if failed and sent.get("haltOnError") is True:
            answer = error_answer(412, _BATCH_HALTED)
        else:
            address = "/services/data/" + part["url"].removeprefix("/services/data/").lstrip("/")
            answer = _one(org, call, part["method"], address, part.get("richInput"))
        failed = failed or answer.status >= 400
        results.append({"statusCode": answer.status, "result": _json(answer)})
    return json_answer(200, {"hasErrors": failed, "results": results})


def _parts(parts: Any, most: int) -> list[dict[str, Any]]:
    if not isinstance(parts, list) or not 0 < len(parts) <= most:
        raise refuse(400, "INVALID_INPUT", f"The request needs a list of at most {most} calls.")
    if not all(
        isinstance(part, dict) and all(isinstance(part.get(key), str) for key in ("url", "method")) for part in parts
    ):
        raise refuse(400, "INVALID_INPUT", "Every call needs a method and a url.")
    return parts


def _carry_out(
    org: Salesforce, call: Call, parts: list[dict[str, Any]], *, together: bool
) -> tuple[list[dict[str, Any]], bool]:
    known: dict[str, Any] = {}
    answers: list[tuple[dict[str, Any], Answer]] = []
    with Transaction(org) as transaction:
        for part in parts:
            try:
                url, body = _filled(part["url"], known), _filled(part.get("body"), known)
                answer = _one(org, call, part["method"], url, body)
            except KeyError as missing:
                text = f"Invalid reference specified. No value for {missing.args[0]} found."
                answer = error_answer(400, Problem("PROCESSING_HALTED", text, None))
            answers.append((part, answer))
            known[str(part.get("referenceId"))] = _json(answer) if answer.status < 300 else None
        good = all(answer.status < 300 for _, answer in answers)
        if together and not good:
            transaction.roll_back()
            answers = [
                (part, answer if answer.status >= 300 else error_answer(400, _HALTED)) for part, answer in answers
            ]
    return [_response(part, answer) for part, answer in answers], good


def _one(org: Salesforce, outer: Call, method: str, address: str, body: Any) -> Answer:
    parts = urlsplit(address)
    sent = b"" if body is None else orjson.dumps(body)
    inner = Call(
        method.upper(), parts.path.rstrip("/"), dict(parse_qsl(parts.query)), outer.headers, sent, outer.base_url
    )
    return org.answer(inner)


def _response(part: dict[str, Any], answer: Answer) -> dict[str, Any]:
    return {
        "body": _json(answer),
        "httpHeaders": answer.headers,
        "httpStatusCode": answer.status,
        "referenceId": part.get("referenceId"),
    }


def _json(answer: Answer) -> Any:
    return orjson.loads(answer.body) if answer.body else None


def _filled(value: Any, known: dict[str, Any]) -> Any:
    """``value`` with every ``@{reference.path}`` in it replaced; KeyError names one that has no value."""
    if isinstance(value, str):
        return _REFERENCE.sub(lambda match: str(_looked_up(match[1], known)), value)
    if isinstance(value, list):
        return [_filled(each, known) for each in value]
    if isinstance(value, dict):
        return {name: _filled(each, known) for name, each in value.items()}
    return value


def _looked_up(path: str, known: dict[str, Any]) -> Any:
    name, *steps = re.findall(r"[^.\[\]]+", path)
    found = known.get(name)
    for step in steps:
        if isinstance(found, list) and step.isdecimal() and int(step) < len(found):
            found = found[int(step)]
        elif isinstance(found, dict) and step in found:
            found = found[step]
        else:
            raise KeyError(path)
    if found is None:
        raise KeyError(path)
    return found
