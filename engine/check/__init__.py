"""The checker: recomputes an allocation from the documents and says what is wrong, row by row.

It shares nothing with the optimiser but the documents.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.check.certificate import check_prices, check_summary
from engine.check.claimed import Claimed, check_keys, claimed_tables
from engine.check.costs import check_costs, recompute
from engine.check.given import Given
from engine.check.preference import check_services
from engine.check.reasons import check_reasons
from engine.check.report import CheckFault, CheckReport, Findings
from engine.check.resources import Capacity, Stock, check_resources
from engine.check.routes import Routes
from engine.check.rules import check_candidates, check_lines, check_shipments, permits_of

if TYPE_CHECKING:
    from engine.documents import Allocation, Batch

__all__ = ["CheckFault", "CheckReport", "check"]


def check(batch: Batch, allocation: Allocation) -> CheckReport:
    """Recompute every cost, resource and rule of an allocation.

    Parameters
    ----------
    batch : Batch
        What was asked for.
    allocation : Allocation
        What came out.

    Returns
    -------
    CheckReport
        What is wrong, by table, row, column, value and what was expected. Of each rule the first 100 rows are
        listed; all are counted. A row whose references are wrong is not judged further.
    """
    findings = Findings()
    tables = claimed_tables(allocation, findings)
    if tables is None:
        return findings.report()
    given = Given(batch)
    claimed = Claimed(given, tables)
    check_keys(given, claimed, findings)

    routes, permits = Routes(given), permits_of(given)
    stock, capacity = Stock(given), Capacity(given)
    costs = recompute(given, claimed, routes)
    check_candidates(given, claimed, costs, permits, routes, findings)
    check_costs(claimed, costs, routes, findings)
    check_shipments(given, claimed, findings)
    check_lines(given, claimed, findings)
    check_resources(given, claimed, stock, capacity, findings)
    check_services(given, claimed, costs, routes, permits, capacity, findings)
    check_reasons(given, claimed, routes, permits, stock, capacity, findings)
    check_prices(given, claimed, stock, capacity, permits.ship_dates, findings)
    check_summary(given, claimed, costs, routes, allocation, findings)
    return findings.report()
