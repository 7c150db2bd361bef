"""Absolute counts of many rows at once: plain rows are compared and written as tuples, the others go by the rules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from engine.ledger import tables
from engine.ledger.database import Row, columns_sql
from engine.ledger.work import Why, Work

Given = Mapping[tuple[str, str, str], tuple[int, int, int]]
CountKey = tuple[str, str, str]


class Counted(NamedTuple):
    """How many rows changed and were skipped, and those that the rules have to look at."""

    n_changed: int
    n_skipped: int
    others: list[CountKey]


def count_plain_rows(work: Work, given: Given, source: str | None, sequence: int | None, why: Why) -> Counted:
    """Set the plain rows of an import to their counts.

    A row is plain when it is (or would be) all that its (node, sku) has, owes nothing, was counted by nobody or by
    the same source with no adjustment after this count, and the new count covers what is held. Only for a request
    that is alone in its transaction: nobody else has these rows in hand.
    """
    pairs = {key[:2] for key in given}
    rows_of = _read(work, pairs)
    number = -1 if sequence is None else sequence
    if not rows_of and len(pairs) == len(given) and not any(day for _, _, day in given):
        _add(work, given, source or "", number, why)
        return Counted(len(given), 0, [])
    n_of_pair: dict[tuple[str, str], int] = {}
    for node_id, sku, _ in given:
        n_of_pair[node_id, sku] = n_of_pair.get((node_id, sku), 0) + 1
    others: list[CountKey] = []
    new: list[Row] = []
    changed: list[Row] = []
    n_changed = n_skipped = 0
    tenant = work.tenant
    for key, (on_hand, external, safety) in given.items():
        node_id, sku, day = key
        rows = rows_of.get((node_id, sku))
        if day or n_of_pair[node_id, sku] > 1 or (rows is not None and len(rows) > 1):
            others.append(key)
            continue
        if rows is None:
            new.append((tenant, *key, on_hand, external, safety, 0, 0, 1, source or "", number, -1))
            work.enter_count(why, node_id, sku, on_hand, external, safety)
            n_changed += 1
            continue
        row = rows[0]
        was_on_hand, was_external, was_safety, held, owed, version, was_source, was_sequence, deltas_to = row[4:]
        if owed or (held and on_hand - external < held) or (source is not None and was_source != source):
            others.append(key)
            continue
        is_same = (on_hand, external, safety) == (was_on_hand, was_external, was_safety)
        if source is None:
            if is_same:
                continue
            end = was_source, was_sequence, deltas_to
        elif number <= was_sequence:
            n_skipped += 1
            continue
        elif deltas_to > number:
            others.append(key)
            continue
        else:
            end = source, number, -1
        counts = (on_hand, external, safety, 0, version + (not is_same), *end, held)
        changed.append((*counts, tenant, *key, held, was_on_hand, version))
        work.enter_count(why, node_id, sku, on_hand - was_on_hand, external - was_external, safety - was_safety)
        n_changed += not is_same
    work.count_in_bulk(new, changed)
    return Counted(n_changed, n_skipped, others)


def _add(work: Work, given: Given, source: str, number: int, why: Why) -> None:
    """Write rows of which nothing is there yet."""
    tenant = work.tenant
    rows = [(tenant, *key, *counts, 0, 0, 1, source, number, -1) for key, counts in given.items()]
    work.count_in_bulk(rows, [])
    for at, bucket in enumerate(("on_hand", "external", "safety")):
        added = [(key[0], key[1], counts[at]) for key, counts in given.items() if counts[at]]
        work.enter_added(why, bucket, added)


def _read(work: Work, pairs: set[tuple[str, str]]) -> dict[tuple[str, str], list[Row]]:
    """Read and lock all rows of each (node, sku)."""
    if not pairs:
        return {}
    found = _read_range(work, pairs)
    if found is None or (found and not work.session.is_alone):
        keys = [(work.tenant, *pair) for pair in sorted(pairs)]
        if not work.session.is_alone:
            work.session.select(tables.STOCK, tables.STOCK.key, [(*key, "") for key in keys], lock=True)
        found = work.session.select(tables.STOCK, ("tenant", "node_id", "sku"), keys)
    rows_of: dict[tuple[str, str], list[Row]] = {}
    for row in found:
        if (row[1], row[2]) in pairs:
            rows_of.setdefault((row[1], row[2]), []).append(row)
    return rows_of


def _read_range(work: Work, pairs: set[tuple[str, str]]) -> list[Row] | None:
    """Read all rows from the first to the last sku, for a part of a large import has them all; None: too many."""
    skus = [sku for _, sku in pairs]
    most = 2 * len(pairs) + 100
    found = work.session.query(
        f"SELECT {columns_sql(tables.STOCK.columns)} FROM stock WHERE tenant = ? AND sku >= ? AND sku <= ? LIMIT ?",
        (work.tenant, min(skus), max(skus), most),
    )
    return found if len(found) < most else None
