"""The summary and the prices: totals, counts, the bound and what can be known of it from documents alone."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from engine.check.claimed import Claimed
from engine.check.columns import NO_DAY, BoolArray, Finder, IntArray, by_day, join, positions, sums
from engine.check.costs import TERMS, Costs, leave_cents
from engine.check.dates import ShipDates
from engine.check.given import Given
from engine.check.report import Findings, day_text
from engine.check.resources import UNLIMITED, Capacity, Stock
from engine.check.routes import Routes

if TYPE_CHECKING:
    from engine.documents import Allocation

TERMINATIONS = ("optimal", "gap_reached", "time_limit", "stalled", "interrupted")
KINDS = ("stock", "node_shipments", "node_units", "service_shipments")
SAME_RATIO = 1e-12


def total(cents: IntArray) -> int:
    """Return the exact sum of a column of cents."""
    low, high = cents & 0xFFFFFFFF, cents >> 32
    return (int(high.sum()) << 32) + int(low.sum())


def check_summary(
    given: Given, claimed: Claimed, costs: Costs, routes: Routes, allocation: Allocation, findings: Findings
) -> None:
    """Check the totals, the counts and the certificate of the summary."""
    summary = allocation.summary
    terms = {f"{name}_cents": total(column) for name, column in costs.cents.items()}
    terms["unallocated_cents"] = total(costs.unallocated_cents)
    assert [name.removesuffix("_cents") for name in terms] == list(TERMS)
    _same(findings, summary, "terms", terms)
    objective = sum(terms.values())
    _same_number(findings, "objective_cents", summary.get("objective_cents"), objective)
    everything = leave_cents(given, np.arange(given.lines.n, dtype=np.int64), given.line_quantity)
    nothing = total(everything)
    _same_number(findings, "nothing_cents", summary.get("nothing_cents"), nothing)
    _check_counts(given, claimed, costs, routes, summary, findings)
    _check_bound(objective, nothing, _shed(given, claimed, costs, everything), summary, findings)
    seed = summary.get("seed")
    if not _is_integer(seed):
        findings.one("summary", "seed", seed, "an integer")
    for name in ("seconds", "versions"):
        if not isinstance(summary.get(name), Mapping):
            findings.one("summary", name, summary.get(name), "an object")


def _is_integer(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _same_number(findings: Findings, column: str, value: object, expected: int) -> None:
    if not _is_integer(value) or value != expected:
        findings.one("summary", column, value, expected)


def _same(findings: Findings, summary: Mapping[str, object], group: str, expected: Mapping[str, int]) -> None:
    stated = summary.get(group)
    if not isinstance(stated, Mapping):
        findings.one("summary", group, stated, "an object")
        return
    for name, number in expected.items():
        _same_number(findings, f"{group}.{name}", stated.get(name), number)


def _check_counts(
    given: Given,
    claimed: Claimed,
    costs: Costs,
    routes: Routes,
    summary: Mapping[str, object],
    findings: Findings,
) -> None:
    n_orders = given.orders.n
    served = claimed.line_served
    units = sums(given.line_order, served, n_orders)
    short = sums(given.line_order, (served < given.line_quantity).astype(np.int64), n_orders)
    n_shipments = np.bincount(claimed.order[claimed.order >= 0], minlength=n_orders)
    counts = {
        "orders": n_orders,
        "lines": given.lines.n,
        "units": total(given.line_quantity),
        "shipments": claimed.shipments.n,
        "orders_allocated": int((units > 0).sum()),
        "orders_complete": int(((units > 0) & (short == 0)).sum()),
        "lines_allocated": int((served > 0).sum()),
        "units_allocated": total(served),
        "orders_split": int((n_shipments > 1).sum()),
        "late_shipments": int((routes.late_days(costs.order, costs.deliver_day) > 0).sum()),
        "held_orders": int(given.held.sum()),
    }
    _same(findings, summary, "counts", counts)


def _shed(given: Given, claimed: Claimed, costs: Costs, everything: IntArray) -> int:
    """Return what leaving out whole orders that cost more than they bring would save.

    Any order may be left out, so the objective less this is the objective of an allowed allocation too.
    """
    of_order = sums(claimed.left_order, costs.unallocated_cents, given.orders.n)
    for cents in costs.cents.values():
        of_order += sums(claimed.order, cents, given.orders.n)
    left_out = sums(given.line_order, everything, given.orders.n)
    return total(np.maximum(of_order - left_out, 0))


def _check_bound(objective: int, nothing: int, shed: int, summary: Mapping[str, object], findings: Findings) -> None:
    termination = summary.get("termination")
    if termination not in TERMINATIONS:
        findings.one("summary", "termination", termination, "one of " + ", ".join(TERMINATIONS))
    bound = summary.get("bound_cents")
    if not isinstance(bound, int) or isinstance(bound, bool):
        findings.one("summary", "bound_cents", bound, "an integer")
        return
    if bound > objective:
        findings.one("summary", "bound_cents", bound, f"at most the objective, {objective}")
    elif bound > objective - shed:
        findings.one(
            "summary",
            "bound_cents",
            bound,
            f"at most {objective - shed}, the cost without the orders better left out",
        )
    if bound > nothing:
        findings.one("summary", "bound_cents", bound, f"at most {nothing}, the cost of shipping nothing")
    if (termination == "optimal") != (bound == objective):
        findings.one("summary", "termination", termination, "optimal where the objective is the bound, and only there")
    for name, scale in (("gap", abs(objective)), ("savings_gap", nothing - bound)):
        ratio, stated = (objective - bound) / max(1, scale), summary.get(name)
        if (
            not isinstance(stated, int | float)
            or isinstance(stated, bool)
            or not math.isclose(stated, ratio, rel_tol=SAME_RATIO, abs_tol=0.0)
        ):
            findings.one("summary", name, stated, ratio)


def check_prices(
    given: Given,
    claimed: Claimed,
    stock: Stock,
    capacity: Capacity,
    ship_dates: ShipDates,
    findings: Findings,
) -> None:
    """Check that every price is above zero and belongs to a resource that is limited."""
    prices = claimed.prices
    kind_text, cents = prices.texts("kind"), prices.floats("cents")
    kind = positions(kind_text, pa.array(KINDS))
    findings.rows("prices", "kind", kind < 0, lambda row: kind_text[row], "one of " + ", ".join(KINDS))
    above = (cents > 0) & np.isfinite(cents)
    findings.rows("prices", "cents", ~above, lambda row: cents[row], "a number above zero")

    filled = {name: _filled(prices.texts(name)) for name in ("node_id", "sku", "service_id")}
    node = positions(prices.texts("node_id"), given.node_ids)
    item = positions(prices.texts("sku"), given.skus)
    service = positions(prices.texts("service_id"), given.service_ids)
    day = prices.days("date")
    is_stock, is_shipments, is_units, is_service = (kind == code for code in range(len(KINDS)))
    is_slot = is_shipments | is_units

    def fault(column: str, wrong: BoolArray, expected: str) -> None:
        column_text = prices.texts(column)
        value = (lambda row: day_text(int(day[row]))) if column == "date" else (lambda row: column_text[row])
        findings.rows("prices", column, wrong, value, expected)

    known = kind >= 0
    fault("node_id", known & (node < 0), "a node of the batch")
    fault("sku", is_stock & (item < 0), "an item of the batch")
    fault("sku", known & ~is_stock & filled["sku"], "none for this kind")
    fault("service_id", is_service & (service < 0), "a service of the batch")
    fault("service_id", known & ~is_service & filled["service_id"], "none for this kind")
    pair = stock.pairs(node, item)
    fault("sku", is_stock & (node >= 0) & (item >= 0) & (pair < 0), "an item that the node has stock of")
    arrivals = Finder(by_day(stock.row_pair, stock.available))
    arrives = (arrivals.find(by_day(pair, day)) >= 0) | (day == NO_DAY)
    fault("date", is_stock & (pair >= 0) & ~arrives, "a date on which stock of it arrives, or none")
    dated = ship_dates.includes(node, day)
    fault("date", (is_slot | is_service) & (node >= 0) & ~dated, "a ship date of the node")
    if given.nodes.n:
        somewhere = np.maximum(node, 0)
        limit = np.where(is_units, capacity.node_units[somewhere], capacity.node_shipments[somewhere])
        fault("node_id", is_slot & (node >= 0) & (limit == UNLIMITED), "a node with such a limit")
        limit = capacity.service(node, service, day)
        limited = is_service & (node >= 0) & (service >= 0)
        fault("service_id", limited & (limit == UNLIMITED), "a service with a capacity at the node")
    key = join((kind, len(KINDS)), (node, given.nodes.n), (np.where(is_stock, item, service) + 1, _wider(given)))
    key = by_day(np.unique(key, return_inverse=True)[1].astype(np.int64), day)
    first = np.zeros(prices.n, dtype=np.bool_)
    first[np.unique(key, return_index=True)[1]] = True
    fault("kind", known & (node >= 0) & ~first, "one price for a resource")


def _wider(given: Given) -> int:
    return max(given.items.n, given.services.n) + 1


def _filled(texts: pa.Array) -> BoolArray:
    return np.asarray(pc.not_equal(pc.fill_null(texts, ""), "").to_numpy(zero_copy_only=False), dtype=np.bool_)
