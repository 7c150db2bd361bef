"""The whole batch as one mixed integer program over listed options, started from the best rule."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import replace

import numpy as np

from benchmarks.rivals.documents import allocation_of, order_cents
from benchmarks.rivals.programs import Limits, ProgramSolver, solve_within
from benchmarks.rivals.rule import choose
from engine.compile import Compiled, Index, compile_batch, index_batch
from engine.decode import Chosen, chosen_shipments, with_preferred_services
from engine.documents import Allocation, Batch
from engine.network import IntArray
from engine.rules.routing import Routed
from engine.rules.rule import Rule, chosen_of
from solver.pool import Pool
from solver.problem import offsets, ranges
from solver.source import NO_FLOOR, More, Prices

OF_RULE = -1
"""Tag of the options that come from the rule."""


def route_by_mip(
    batch: Batch,
    rules: Iterable[Rule],
    *,
    options_an_order: int,
    limits: Limits,
    by: ProgramSolver = "highs",
    clock: Callable[[], float] = time.monotonic,
) -> Allocation:
    """Route a batch by one program.

    Its options are the cheapest of each order, when it has the network to itself, and those that the best of some rules
    takes; the program starts from that rule's choice.

    Parameters
    ----------
    rules : iterable of Rule
        Where to start from, at least one.
    options_an_order : int
        How many of the cheapest options of each order to list.
    limits : Limits
        Of the search; listing and writing come on top. What is found by then depends on the machine.
    by : {"highs", "cpsat"}
        What solves it.

    Returns
    -------
    Allocation
        Never dearer than the best rule's. Its bound is trivial: options that are not listed count too.
    """
    start = clock()
    index = index_batch(batch)
    routed, rule_cents = _best(index, rules)
    compiled = compile_batch(batch)
    listed = compiled.problem
    groups = np.arange(listed.n_groups)
    more = compiled.options.more(groups, Prices.zero(listed.n_resources), slack=NO_FLOOR, limit=options_an_order)
    pool, nothing = Pool.complete(listed).merged(groups, more, listed.first[:-1])
    extra = _options_of(index, routed, rule_cents)
    pool, hint = pool.merged(groups, extra, nothing)
    at = np.flatnonzero(pool.tag == OF_RULE)
    problem = pool.problem
    hint[problem.group_of_option()[at]] = at
    found = clock()
    choice, finished = hint, True
    if problem.n_groups:
        choice, finished = solve_within(problem, hint, limits, by)
    solved = clock()
    tags = pool.tag[choice]
    chosen = _decoded(compiled, index, routed, tags)
    allocation = allocation_of(batch, compiled, chosen, termination="stalled" if finished else "time_limit")
    end = clock()
    allocation.summary["seconds"] = {
        "compile": found - start,
        "solve": solved - found,
        "decode": end - solved,
        "total": end - start,
    }
    return allocation


def _best(index: Index, rules: Iterable[Rule]) -> tuple[Routed, IntArray]:
    """The shipments of the cheapest rule, and what they cost by order."""
    found = [
        (routed, order_cents(index, chosen_of(index.orders, routed))) for routed in (choose(index, r) for r in rules)
    ]
    return min(found, key=lambda each: sum(each[1].tolist()))


def _options_of(index: Index, routed: Routed, cents: IntArray) -> More:
    """An option for each routed order: what it costs and uses."""
    network, quantity = index.network, index.orders.line_quantity[routed.row_line]
    order = routed.order[routed.row_shipment]
    stock = ranges(routed.row_resource, routed.row_resource + routed.row_n_resources)
    slot = routed.slot[routed.row_shipment]
    one = np.ones(routed.order.size, np.int64)
    entries = [
        (np.repeat(order, routed.row_n_resources), stock, np.repeat(quantity, routed.row_n_resources)),
        (order, network.slot_units_resource[slot], quantity),
        (routed.order, network.slot_shipments_resource[routed.slot], one),
        (routed.order, network.slot_service_resource[routed.slot, routed.service], one),
    ]
    owner, resource, amount = (np.concatenate(column) for column in zip(*entries))
    limited = resource >= 0
    owner, resource, amount = owner[limited], resource[limited], amount[limited]
    by_owner = np.argsort(owner, kind="stable")
    group = np.unique(routed.order)
    return More(
        group=group,
        cost=cents[group],
        tag=np.full(group.size, OF_RULE),
        usage_start=offsets(np.bincount(owner, minlength=cents.size)[group].astype(np.int64)),
        usage_resource=resource[by_owner],
        usage_amount=amount[by_owner],
        floor=np.zeros(cents.size, np.int64),
    )


def _decoded(compiled: Compiled, index: Index, routed: Routed, tags: IntArray) -> Chosen:
    """The shipments behind listed options and behind the rule's, sorted by order."""
    by_rule = np.zeros(tags.size, np.bool_)
    by_rule[tags == OF_RULE] = True
    theirs = chosen_of(index.orders, routed)
    keep = by_rule[theirs.order]
    rows = keep[theirs.row_shipment]
    number = np.cumsum(keep) - 1
    theirs = Chosen(
        order=theirs.order[keep],
        slot=theirs.slot[keep],
        service=theirs.service[keep],
        row_shipment=number[theirs.row_shipment[rows]],
        row_line=theirs.row_line[rows],
        row_quantity=theirs.row_quantity[rows],
    )
    # what the rule's shipments take of services is not there for the others
    network = compiled.network
    taken = network.slot_service_resource[theirs.slot, theirs.service]
    supply = network.supply.copy()
    np.subtract.at(supply, taken[taken >= 0], 1)
    rest = replace(compiled, network=network._replace(supply=supply))
    ours = chosen_shipments(rest, np.where(by_rule, np.arange(tags.size), tags))
    n = ours.order.size
    order = np.concatenate((ours.order, theirs.order))
    by_order = np.argsort(order, kind="stable")
    place = np.empty(by_order.size, np.int64)
    place[by_order] = np.arange(by_order.size)
    joined = Chosen(
        order=order[by_order],
        slot=np.concatenate((ours.slot, theirs.slot))[by_order],
        service=np.concatenate((ours.service, theirs.service))[by_order],
        row_shipment=place[np.concatenate((ours.row_shipment, theirs.row_shipment + n))],
        row_line=np.concatenate((ours.row_line, theirs.row_line)),
        row_quantity=np.concatenate((ours.row_quantity, theirs.row_quantity)),
    )
    return with_preferred_services(compiled, joined)
