"""Results of operations, as a planner looks at them: figures, orders, what changed, files."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from api.answers import Answer, json_answer
from api.calls import Call, Spec
from api.examples_plans import COMPARISON, FIGURES, ORDER, ORDERS, PLAN_EXPLANATION
from api.exports import TYPES, XLSX, export_bytes, file_name
from api.figures import rows
from api.imports import CSV, PARQUET
from api.models.plans import (
    CompareQuery,
    ComparisonReply,
    ExportQuery,
    FiguresReply,
    OrdersQuery,
    OrdersReply,
    PlanExplanationReply,
    PlanOrderReply,
)
from api.problems import Problem, invalid, not_found
from api.views import View, comparison_document
from engine.figures import by_node
from engine.ledger.records import Operation

_TABLES = ("shipments", "allocations", "unallocated")


async def _operation(call: Call, operation_id: str) -> Operation:
    service = call.service
    found = await service.read(service.ledger.operation, call.tenant, operation_id)
    if found is None:
        raise not_found(f"the operation {operation_id!r}")
    if found.state not in ("DONE", "CANCELLED"):
        raise Problem(409, "conflict", f"the operation is {found.state}: it has no result")
    return found


async def _view(call: Call, operation_id: str | None = None) -> View:
    name = call.path["operation_id"] if operation_id is None else operation_id
    await _operation(call, name)
    view = await call.service.read(call.service.views.view, call.tenant, name)
    if view is None:
        raise not_found(f"the result of the operation {name!r}")
    return view


def _told(operation: Operation) -> dict[str, Any]:
    found: dict[str, Any] = {} if operation.progress is None else orjson.loads(operation.progress)
    return found


def _name(operation: Operation) -> str:
    return _told(operation).get("name") or operation.operation_id


async def read_figures(call: Call) -> Answer:
    """Return the figures of a result."""
    operation = await _operation(call, call.path["operation_id"])
    views = call.service.views
    found = await call.service.read(views.figures, call.tenant, operation.operation_id, _name(operation))
    if found is None:
        raise not_found(f"the result of the operation {operation.operation_id!r}")
    return Answer(body=found)


async def list_orders(call: Call) -> Answer:
    """Return a page of a result's orders."""
    view = await _view(call)
    return json_answer(await asyncio.to_thread(_page, view, call.query))


def _page(view: View, query: OrdersQuery) -> dict[str, Any]:
    table = _chosen(view.orders, query)
    by = [(query.sort, "descending" if query.descending else "ascending")]
    if query.sort != "order_id":
        by.append(("order_id", "ascending"))
    order = pc.sort_indices(table, sort_keys=by)
    first = (query.page - 1) * query.size
    shown = table.take(order.slice(first, query.size))
    return {
        "total": table.num_rows,
        "page": query.page,
        "pages": -(-table.num_rows // query.size),
        "orders": rows(shown),
    }


def _chosen(table: pa.Table, query: OrdersQuery) -> pa.Table:
    if query.search:
        table = table.filter(pc.match_substring(table["order_id"], query.search, ignore_case=True))
    if query.node_id is not None:
        spaced = pc.binary_join_element_wise("", table["nodes"], "", " ")
        table = table.filter(pc.match_substring(spaced, f" {query.node_id} "))
    if query.state is not None:
        table = table.filter(pc.equal(table["state"], query.state))
    if query.late is not None:
        is_late = pc.fill_null(pc.greater(table["days_late"], 0), False)
        table = table.filter(is_late if query.late else pc.invert(is_late))
    if query.split is not None:
        is_split = pc.greater(table["shipments"], 1)
        table = table.filter(is_split if query.split else pc.invert(is_split))
    return table


async def read_order(call: Call) -> Answer:
    """Return an order of a result, and how it is served."""
    view = await _view(call)
    return json_answer(await asyncio.to_thread(_order, view, call.path["order_id"]))


def _order(view: View, order_id: str) -> dict[str, Any]:
    overview = rows(_of(view.orders, order_id))
    if not overview:
        raise not_found(f"the order {order_id!r} in this result")
    [asked] = rows(_of(view.batch["orders"], order_id))
    return {
        "order": {**asked, **overview[0]},
        "lines": rows(_of(view.batch["lines"], order_id)),
        **{name: rows(_of(view.allocation[name], order_id)) for name in _TABLES},
    }


def _of(table: pa.Table, order_id: str) -> pa.Table:
    return table.filter(pc.equal(table["order_id"], order_id))


async def explain_in_result(call: Call) -> Answer:
    """Return why an order of a result is served as it is."""
    view = await _view(call)
    order_id = call.path["order_id"]
    if pc.index(view.batch["orders"]["order_id"], order_id).as_py() < 0:
        raise not_found(f"the order {order_id!r} in this result")
    return json_answer(await asyncio.to_thread(call.service.views.explanation, view, order_id))


async def compare(call: Call) -> Answer:
    """Return what differs between two results: what moved, the orders served otherwise, and how sure it all is."""
    query: CompareQuery = call.query
    view = await _view(call)
    baseline_id = query.baseline or _told(await _operation(call, call.path["operation_id"])).get("base")
    if baseline_id is None:
        raise invalid("the result has no base of its own: say which baseline", ("?baseline", "is needed"))
    baseline = await _view(call, baseline_id)
    document = await asyncio.to_thread(comparison_document, view, baseline, query.limit)
    return json_answer({"baseline": baseline_id, **document})


async def export(call: Call) -> Answer:
    """Return a table of a result as a file."""
    query: ExportQuery = call.query
    view = await _view(call)
    operation = await _operation(call, call.path["operation_id"])
    body = await asyncio.to_thread(lambda: export_bytes(_table(view, query.table), query.format))
    name = file_name(_name(operation), query.table, query.format)
    disposition = ("Content-Disposition", f'attachment; filename="{name}"')
    return Answer(body=body, media_type=TYPES[query.format], headers=(disposition,))


def _table(view: View, name: str) -> pa.Table:
    if name == "nodes":
        return by_node(view.batch, view.allocation)
    return view.orders if name == "orders" else view.allocation[name]


_PROBLEMS = (404, 409)
CALLS = (
    Spec(
        method="GET",
        path="/v1/operations/{operation_id}/figures",
        noun="results",
        summary="What a result comes to: key figures, nodes, flows, prices, and how the search went.",
        answer=read_figures,
        scope="read",
        answers={200: FiguresReply},
        answer_example=FIGURES,
        problems=_PROBLEMS,
    ),
    Spec(
        method="GET",
        path="/v1/operations/{operation_id}/orders",
        noun="results",
        summary="A page of a result's orders, chosen and sorted.",
        answer=list_orders,
        scope="read",
        query=OrdersQuery,
        answers={200: OrdersReply},
        answer_example=ORDERS,
        problems=_PROBLEMS,
    ),
    Spec(
        method="GET",
        path="/v1/operations/{operation_id}/orders/{order_id}",
        noun="results",
        summary="An order of a result, and how it is served.",
        answer=read_order,
        scope="read",
        answers={200: PlanOrderReply},
        answer_example=ORDER,
        problems=_PROBLEMS,
    ),
    Spec(
        method="GET",
        path="/v1/operations/{operation_id}/orders/{order_id}/explanation",
        noun="results",
        summary="Why an order of a result is served as it is, with everything else as it was decided.",
        answer=explain_in_result,
        scope="read",
        answers={200: PlanExplanationReply},
        answer_example=PLAN_EXPLANATION,
        problems=_PROBLEMS,
    ),
    Spec(
        method="GET",
        path="/v1/operations/{operation_id}/comparison",
        noun="results",
        summary="What differs between two results: units moved, orders served otherwise, how sure it is.",
        answer=compare,
        scope="read",
        query=CompareQuery,
        answers={200: ComparisonReply},
        answer_example=COMPARISON,
        problems=_PROBLEMS,
    ),
    Spec(
        method="GET",
        path="/v1/operations/{operation_id}/export",
        noun="results",
        summary="A table of a result as a file; CSV and XLSX are for spreadsheets, with formulas escaped.",
        answer=export,
        scope="read",
        query=ExportQuery,
        answers={200: (CSV, XLSX, PARQUET)},
        problems=(*_PROBLEMS, 406),
    ),
)
