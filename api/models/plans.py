"""Plans: batches that are solved to be looked at, and what is asked of their results."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from api.models.common import Int, Model, Reply, Text

Gap = Annotated[float, Field(ge=0, le=1)]
PlanSeconds = Annotated[float, Field(gt=0, le=3600)]
Rule = Literal["whole", "one_at_a_time"]
MAX_SCENARIO_EDITS = 100


class GenerateBody(Model):
    """A batch to generate."""

    load: Literal["calm", "peak", "flash", "basket"] = "peak"
    orders: Annotated[int, Field(ge=1, le=100_000)] = 3000
    nodes: Annotated[int, Field(ge=1, le=2_000)] = 100
    skus: Annotated[int, Field(ge=1, le=200_000)] = 600
    seed: Int = 0


class PlanOptions(Model):
    """How to solve a plan, and what to call it."""

    name: Text | None = None
    rule: Annotated[Rule, Field(description="`one_at_a_time` routes each order to its cheapest node.")] = "whole"
    gap: Gap = 0.005
    time_limit_seconds: PlanSeconds = 60.0
    seed: Int = 0


class PlanBody(PlanOptions):
    """A batch to solve, from exactly one of three places."""

    generate: GenerateBody | None = None
    batch: Annotated[dict[str, Any] | None, Field(description="A whole batch as one document.")] = None
    base: Annotated[Text | None, Field(description="The operation whose batch is taken.")] = None
    scenario: Annotated[dict[str, Any] | None, Field(description="Edits to the batch.")] = None

    @model_validator(mode="after")
    def _one_source(self) -> PlanBody:
        given = [name for name in ("generate", "batch", "base") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"{' and '.join(given) or 'nothing'} given, expected one of generate, batch and base")
        return self


class FiguresReply(Reply):
    """What a result comes to: key figures, nodes, flows, prices, and how the search went."""

    operation_id: str
    name: str
    summary: dict[str, Any]
    kpis: dict[str, Any]
    nodes: list[dict[str, Any]]
    flows: list[dict[str, Any]]
    prices: list[dict[str, Any]]
    trace: list[dict[str, Any]]


OrderColumn = Literal[
    "order_id",
    "state",
    "nodes",
    "services",
    "lines",
    "units",
    "units_left",
    "shipments",
    "ship_date",
    "deliver_date",
    "days_late",
    "distance_km",
    "cost_cents",
]
OrderState = Literal["complete", "partial", "unallocated", "held"]


class OrdersQuery(Model):
    """Which orders of a result, in which order, which page."""

    search: Annotated[str | None, Field(max_length=128, description="Part of an order's id.")] = None
    node_id: Text | None = None
    state: OrderState | None = None
    late: bool | None = None
    split: bool | None = None
    sort: OrderColumn = "order_id"
    descending: bool = False
    page: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    size: Annotated[int, Field(ge=1, le=500)] = 50


class OrdersReply(Reply):
    """A page of orders."""

    total: int
    page: int
    pages: int
    orders: list[dict[str, Any]]


class PlanOrderReply(Reply):
    """An order of a result, and how it is served."""

    order: dict[str, Any]
    lines: list[dict[str, Any]]
    shipments: list[dict[str, Any]]
    allocations: list[dict[str, Any]]
    unallocated: list[dict[str, Any]]


class PlanExplanationReply(Reply):
    """Why an order of a result is served as it is."""

    order_id: str


class CompareQuery(Model):
    """Which other result, and how many of the orders that changed."""

    baseline: Annotated[Text | None, Field(description="An operation; by default the base of this plan.")] = None
    limit: Annotated[int, Field(ge=0, le=1000)] = 200


class ComparisonReply(Reply):
    """What differs between two results: this one less the baseline."""

    baseline: str
    same_batch: bool
    certainty: dict[str, Any]
    changed_orders: int
    orders: list[dict[str, Any]]
    moved: list[dict[str, Any]]


class ExportQuery(Model):
    """Which table, in which form."""

    table: Literal["nodes", "orders", "shipments", "allocations", "unallocated", "prices"] = "orders"
    format: Literal["csv", "xlsx", "parquet"] = "csv"
