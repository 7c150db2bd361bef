"""Tests what one more unit of a resource is said to save, against batches that have it."""

from __future__ import annotations

import random

import numpy as np

from engine import AllocateParams, allocate, parse_batch
from engine.check import check
from engine.explain import Explainer, dearest
from engine.explain.resolving import Neighbourhood
from engine.explain.whole import one_more
from engine.generate import GenerateParams, generate
from tests.drawing import draw_batch

EXACT = AllocateParams(gap=0.0)


def test_savings_are_those_of_the_whole_batch() -> None:
    """Tests the dearest resources of a batch solved to the optimum: the saving is exact, and never overstated."""
    batch = generate(GenerateParams(load="flash", n_orders=120, n_nodes=15, n_skus=6, seed=1))
    allocation = allocate(batch, EXACT)
    assert allocation.summary["termination"] == "optimal"
    found = dearest(Explainer(batch, allocation), 6, verify=EXACT)
    assert len(found) == 6
    assert [worth.saves_cents for worth in found] == sorted((worth.saves_cents for worth in found), reverse=True)
    for worth in found:
        assert worth.proven and worth.saves_cents > 0
        assert worth.whole_low_cents == worth.whole_high_cents
        assert worth.whole_low_cents is not None and worth.saves_cents <= worth.whole_low_cents
        assert sum(move.cents for move in worth.moves) == -worth.saves_cents
    assert sum(worth.saves_cents == worth.whole_low_cents for worth in found) >= 4


def test_bounds_hold_where_a_gap_is_left() -> None:
    """Tests that with a gap the stated interval holds the saving that is found locally, or more."""
    batch = generate(GenerateParams(load="peak", n_orders=420, n_nodes=20, n_skus=60, seed=2))
    params = AllocateParams(gap=0.02, time_limit_seconds=20.0)
    allocation = allocate(batch, params)
    (worth,) = dearest(Explainer(batch, allocation), 1, verify=params)
    assert worth.whole_low_cents is not None and worth.whole_high_cents is not None
    assert 0 <= worth.whole_low_cents <= worth.whole_high_cents
    assert worth.saves_cents <= worth.whole_high_cents


def test_one_more_unit_in_the_documents_is_one_more_in_the_arrays() -> None:
    """Tests random resources of drawn batches: the batch with one more has the optimum that was foretold."""
    changed = 0
    for seed in range(14):
        batch = parse_batch(draw_batch(seed))
        allocation = allocate(batch, EXACT)
        explainer = Explainer(batch, allocation)
        standing = explainer.standing
        around = Neighbourhood(standing, range(standing.n_orders))
        assert len(around.numbers) == standing.n_orders
        held = np.flatnonzero(np.diff(standing.holder_first) > 0).tolist()
        for resource in random.Random(seed).sample(held, min(5, len(held))):
            settled = around.settle(more=dict.fromkeys(standing.together(resource), 1))
            assert settled is not None and settled.proven
            richer = one_more(standing, resource)
            then = allocate(richer, EXACT)
            assert check(richer, then).ok
            assert then.summary["termination"] == "optimal"
            assert settled.value_cents == then.summary["objective_cents"]
            changed += settled.value_cents < allocation.summary["objective_cents"]
    assert changed > 5
