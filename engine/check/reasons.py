"""The reason of every unallocated line, judged for its order alone in the empty batch."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from engine.check.claimed import REASONS, Claimed
from engine.check.columns import BoolArray, IntArray, positions
from engine.check.covering import most_shipments_decide
from engine.check.given import Given
from engine.check.report import Findings
from engine.check.resources import Capacity, Stock
from engine.check.routes import Routes
from engine.check.rules import Permits
from engine.check.serving import CANDIDATE, FREE, IN_STOCK, NOTHING, SERVED, Serving, blocks_of

HELD, NO_CANDIDATE, NO_STOCK, NO_SERVICE, NO_CAPACITY, SHIP_COMPLETE, MAX_SHIPMENTS, OUTBID = range(8)


def check_reasons(
    given: Given,
    claimed: Claimed,
    routes: Routes,
    permits: Permits,
    stock: Stock,
    capacity: Capacity,
    findings: Findings,
) -> None:
    """Check the reason of every unallocated row.

    Whether the shipment limit stands in the way is judged only where that is certain: both
    `max_shipments` and `outbid` pass where lines that could each be served want the same stock or capacity.
    """
    left = claimed.unallocated
    text = left.texts("reason")
    stated = positions(text, pa.array(REASONS))
    findings.rows(
        "unallocated",
        "reason",
        (stated < 0) & left.known("reason"),
        lambda row: text[row],
        "one of " + ", ".join(REASONS),
    )
    rows = np.flatnonzero((claimed.left_line >= 0) & (stated >= 0))
    line = claimed.left_line[rows]
    order = given.line_order[line]
    expected = np.full(left.n, -1, dtype=np.int64)
    held = given.held[order]
    expected[rows[held]] = HELD
    rows, line, order = rows[~held], line[~held], order[~held]
    if len(rows):
        wanted = np.zeros(given.orders.n, dtype=np.bool_)
        wanted[order] = True
        judged = np.flatnonzero(wanted[given.line_order])
        expected[rows] = _reasons(given, routes, permits, stock, capacity, judged, line, stated[rows])
    findings.rows(
        "unallocated",
        "reason",
        (expected >= 0) & (stated != expected),
        lambda row: text[row],
        lambda row: REASONS[int(expected[row])],
    )


def _reasons(
    given: Given,
    routes: Routes,
    permits: Permits,
    stock: Stock,
    capacity: Capacity,
    judged: IntArray,
    line: IntArray,
    stated: IntArray,
) -> IntArray:
    """Return the reason of each line, as stated where two are possible."""
    blocks = blocks_of(given, judged)
    serving = Serving(given, routes, permits, stock, capacity, blocks)
    level, together = serving.levels()
    reason = np.full(blocks.n, OUTBID, dtype=np.int64)
    reason[level == SERVED] = NO_CAPACITY
    reason[level == IN_STOCK] = NO_SERVICE
    reason[level == CANDIDATE] = NO_STOCK
    too_few = blocks.divisible & (together < blocks.quantity[blocks.first[:-1]])
    reason[too_few] = NO_STOCK
    reason[level == NOTHING] = NO_CANDIDATE
    possible = (level == FREE) & ~too_few
    blocked = _orders_with(given, blocks.order[~possible]) & given.ship_complete
    reason[possible & blocked[blocks.order]] = SHIP_COMPLETE

    of_row = blocks.of_line[line]
    result = reason[of_row]
    # the shipment limit can matter only to what could otherwise be had
    asked = np.flatnonzero(result == OUTBID)
    if len(asked):
        says_limit = np.zeros(given.orders.n, dtype=np.bool_)
        says_limit[given.line_order[line[asked[stated[asked] == MAX_SHIPMENTS]]]] = True
        concerned = _orders_with(given, given.line_order[line[asked]])
        certain = most_shipments_decide(serving, possible, concerned, says_limit)
        verdict = certain[given.line_order[line[asked]]]
        either = (stated[asked] == OUTBID) | (stated[asked] == MAX_SHIPMENTS)
        result[asked] = np.where(verdict > 0, MAX_SHIPMENTS, np.where((verdict == 0) & either, stated[asked], OUTBID))
    return result


def _orders_with(given: Given, order: IntArray) -> BoolArray:
    marked = np.zeros(given.orders.n, dtype=np.bool_)
    marked[order] = True
    return marked
