"""What the command explain does: reads an allocation beside its batch, and prints why it is so."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import orjson

from api.commands import compile_kernels
from api.failures import DONE, say
from api.money import counted, dollars
from api.sources import read_allocation_from, read_batch_from, refusal
from api.summary_table import TERMS, plain_table, print_table

if TYPE_CHECKING:
    from engine.explain import Alternative, Change, Named, OrderExplanation, Wanted, Worth
    from engine.live import Decision, Rival

ENDING = "-allocation"
MOST_OTHERS = 12


@dataclass(frozen=True, kw_only=True)
class ExplainOptions:
    """How much to look into.

    Parameters
    ----------
    n_studied, n_neighbours : int
        Rival nodes of an order, and other orders decided anew with it.
    n_resources : int
        Resources to name of a whole batch.
    verify : bool
        Whether to solve the whole batch anew with a unit more of each of them.
    time_limit_seconds : float
        For each of those runs.
    as_json : bool
        Whether to print a JSON document.
    """

    n_studied: int
    n_neighbours: int
    n_resources: int
    verify: bool
    time_limit_seconds: float
    as_json: bool


def explain_command(out: str, order_id: str | None, source: str | None, options: ExplainOptions) -> int:
    """Explain an order of an allocation, or what is scarce in all of it.

    Parameters
    ----------
    out : str
        The allocation: a folder or a JSON file.
    order_id : str or None
        None: the whole batch.
    source : str or None
        The batch; None: found beside the allocation by its name.
    options : ExplainOptions

    Returns
    -------
    int
        The exit code.
    """
    source = batch_beside(out) if source is None else source
    batch, allocation = read_batch_from(source), read_allocation_from(out)
    compile_kernels()
    from engine import AllocateParams
    from engine.explain import Explainer, dearest

    explainer = Explainer(batch, allocation, n_studied=options.n_studied, n_neighbours=options.n_neighbours)
    if order_id is not None:
        found = explainer.order(order_id)
        if options.as_json:
            return _print_json(found.to_document())
        print_order(found)
        return DONE
    summary = allocation.summary
    params = AllocateParams(
        gap=summary["gap"], time_limit_seconds=options.time_limit_seconds, seed=int(summary.get("seed", 0))
    )
    worths = dearest(
        explainer,
        options.n_resources,
        verify=params if options.verify else None,
        on_verified=lambda n: say(f"solved anew with one more unit: {n}"),
    )
    if options.as_json:
        return _print_json({"resources": [worth.to_document() for worth in worths]})
    print_worths(worths, explainer.standing.n_orders)
    return DONE


def batch_beside(out: str) -> str:
    """Where the batch of an allocation is by its name: ``day`` of ``day-allocation``, ``day.json`` of the like.

    Raises
    ------
    InputError
        When the name does not say, or nothing is there.
    """
    path = Path(out)
    if path.name in ("", "..", "."):
        path = path.resolve()
    suffix = ".json" if path.suffix == ".json" and not path.is_dir() else ""
    stem = path.name.removesuffix(suffix)
    expected = "a name that ends in -allocation beside its batch, or --input BATCH"
    if not stem.endswith(ENDING) or stem == ENDING:
        raise refusal("allocation", out, expected)
    beside = path.with_name(stem.removesuffix(ENDING))
    for found in (beside.with_name(beside.name + suffix), beside, beside.with_name(beside.name + ".json")):
        if found.exists():
            return str(found)
    raise refusal("allocation", f"{out} without {beside}", expected)


def _print_json(document: object) -> int:
    sys.stdout.buffer.write(orjson.dumps(document, option=orjson.OPT_INDENT_2) + b"\n")
    return DONE


def print_order(found: OrderExplanation) -> None:
    """Print why an order is served as it is, for people."""
    decision = found.decision
    print(f"order {found.order_id}: {_served(decision)}, {dollars(decision.objective_cents)} in all")
    for left in decision.unallocated:
        print(f"  line {left.line_id}: {left.quantity} of {left.sku} left out ({left.reason})")
    _print_terms(found)
    for number, one in enumerate(found.alternatives, 1):
        _print_alternative(found, number, one)
    _print_others(found.others)
    _print_scope(found)


def _print_terms(found: OrderExplanation) -> None:
    shown = [one for one in found.alternatives if one.option is not None]
    table = plain_table("", "as it is", *(f"from {one.node_id}" for one in shown))
    terms = found.decision.terms
    for name, label in TERMS.items():
        cells = [one.difference(found.decision)[name] for one in shown]
        if terms[name] or any(cells):
            table.add_row(label, dollars(terms[name]), *(_signed(cents) for cents in cells))
    table.add_section()
    own = [sum(one.difference(found.decision).values()) for one in shown]
    table.add_row("this order", dollars(found.decision.objective_cents), *(_signed(cents) for cents in own))
    table.add_row("other orders", "", *(_signed(one.total_cents - cents) for one, cents in zip(shown, own)))
    table.add_row("both", "", *(_signed(one.total_cents) for one in shown))
    print_table(table, sys.stdout)
    for row in found.prices:
        what = resource_text(row)
        print(f"it takes {row.amount} of {what}, priced at {dollars(row.cents)} each")
    if found.prices:
        print()


def _print_alternative(found: OrderExplanation, number: int, one: Alternative) -> None:
    print(f"{number}. {_verdict(found, one)}")
    for wanted in one.wanted:
        print(f"   {_wanted_text(wanted)}")
    for move in one.moves:
        print(f"   order {move.order_id} would then be {_served(move.after)}: {_signed(move.cents)}")
    for change in one.changes:
        print(f"   {_change_text(change)} would do as well")
    if not one.proven:
        print("   (the best found in the time given, not proved)")
    print()


def _verdict(found: OrderExplanation, one: Alternative) -> str:
    where = f"from {one.node_id}"
    if one.rival.option is None:
        return f"{where}: not possible, there is too little stock even without other orders"
    if one.flip_cents is None:
        return f"{where}: not possible, orders that stay as they are hold what it needs"
    if one.flip_cents <= 0:
        return f"{where}: {dollars(-one.total_cents)} cheaper in all, which the gap of the allocation leaves open"
    if one.total_cents == 0:
        return f"{where}: just as good, any cent off the rate would move it there"
    return (
        f"{where}: {dollars(one.total_cents)} dearer in all; "
        f"it would ship from there if that were {dollars(one.flip_cents)} cheaper"
    )


def _wanted_text(wanted: Wanted) -> str:
    what = resource_text(wanted.resource)
    text = f"{what}: {wanted.amount} wanted, {wanted.left} left by the others; {counted(wanted.n_holders, 'order')}"
    text += " holds it" if wanted.n_holders == 1 else " hold it"
    names = [
        f"{holder.order_id} would give it up for {dollars(holder.give_up_cents)}"
        f" ({'then from ' + ' and '.join(holder.instead) if holder.instead else 'then left out'})"
        for holder in wanted.holders
    ]
    return f"{text}: {', '.join(names)}" if names else text


def _change_text(change: Change) -> str:
    assert change.resource is not None
    return f"{change.amount} more of {resource_text(change.resource)}"


def _print_others(others: tuple[Rival, ...]) -> None:
    if not others:
        return
    table = plain_table("other nodes", "difference", "why not", notes=True)
    for rival in others[:MOST_OTHERS]:
        if rival.option is None:
            reasons = [f"{one.line_id}: {one.detail}" if one.line_id else one.detail for one in rival.obstacles]
            table.add_row(rival.node_id, "", "cannot: " + "; ".join(reasons))
        else:
            worth = rival.price_difference_cents
            note = "" if round(worth) == 0 else f"and takes what is worth {_signed(round(worth))}"
            table.add_row(rival.node_id, _signed(rival.difference_cents), f"if it were alone {note}".rstrip())
    print_table(table, sys.stdout)
    if len(others) > MOST_OTHERS:
        print(f"... and {counted(len(others) - MOST_OTHERS, 'node')} more\n")


def _print_scope(found: OrderExplanation) -> None:
    for node_id, cents in found.stays_cents.items():
        print(f"it would leave {node_id} if shipping from there were {dollars(cents)} dearer")
    if found.regret_cents > 0:
        print(f"deciding these orders anew would save {dollars(found.regret_cents)}: the allocation has a gap")
    proved = "proved" if found.proven else "the best found"
    n = len(found.neighbours)
    if n == 0:
        print(f"nothing else has to move; {counted(found.n_others, 'other order')} as they are; {proved}")
    else:
        print(f"decided anew with {counted(n, 'other order')}, {found.n_others:,} stay as they are; {proved}")


def print_worths(worths: Iterable[Worth], n_orders: int) -> None:
    """Print what one more unit of scarce resources saves, a sentence each."""
    empty = True
    for number, worth in enumerate(worths, 1):
        empty = False
        text = f"{number:>2}. one more of {resource_text(worth.resource)} saves {dollars(worth.saves_cents)}"
        print(text + ("" if worth.proven else " (the best found, not proved)"))
        held = f"there are {worth.supply}, held by {counted(worth.n_holders, 'order')}"
        others = f"{n_orders - len(worth.neighbours):,} orders stay as they are"
        print(f"    {held}; its price is {dollars(worth.price_cents)}; {others}")
        if worth.whole_high_cents is not None and worth.whole_low_cents is not None:
            print(f"    {_whole_text(worth.whole_low_cents, worth.whole_high_cents)}")
        for move in worth.moves[:3]:
            print(f"    order {move.order_id} would be {_served(move.after)}: {_signed(move.cents)}")
    if empty:
        print("nothing is scarce: no unit more of anything would save a cent")


def _whole_text(low: int, high: int) -> str:
    if low == high:
        return f"the whole batch solved anew: exactly {dollars(low)}"
    return f"the whole batch solved anew: between {dollars(low)} and {dollars(high)}, proved"


def resource_text(resource: Named | object) -> str:
    """A resource in words."""
    kind, node_id = getattr(resource, "kind"), getattr(resource, "node_id")  # noqa: B009
    sku, service_id, date = (getattr(resource, name) for name in ("sku", "service_id", "date"))
    if kind == "stock":
        return f"{sku} at {node_id}" + ("" if date is None else f" from {date}")
    what = {"node_shipments": "shipments", "node_units": "units handled"}.get(kind, f"{service_id} shipments")
    return f"{what} at {node_id} on {date}"


def _served(decision: Decision) -> str:
    if not decision.shipments:
        return "left out"
    parts = [f"{row.node_id} by {row.service_id} on {row.ship_date}" for row in decision.shipments]
    text = "shipped from " + " and ".join(parts)
    return text if decision.complete else f"{text}, in part"


def _signed(cents: int) -> str:
    return f"+{dollars(cents)}" if cents > 0 else dollars(cents)
