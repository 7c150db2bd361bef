"""Tests that allocations of drawn batches are optimal to the cent, by the brute force's own account."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

import pytest
from hypothesis import given, settings

from engine import allocate, parse_batch
from tests.campaign import judge, main
from tests.drawing import Document, batches
from tests.oracle import CONSTRAINTS


class Share(NamedTuple):
    """What a run must at least exercise: examples that ship, and constraints an example."""

    ships: float
    n_constraints: float
    rare: float


SHARES = {"tiny": Share(0.7, 4.0, 0.0), "small": Share(0.8, 6.0, 0.02)}


@pytest.mark.parametrize(("size", "n_examples"), [("small", 250), ("tiny", 100)])
def test_drawn_batches_are_solved_exactly(size: str, n_examples: int) -> None:
    """Tests figures and reasons against brute force, and every output by the checker."""
    counts: Counter[str] = Counter()

    @settings(max_examples=n_examples, deadline=None, derandomize=True, database=None)
    @given(batches(size))
    def agree(drawn: Document) -> None:
        judgement = judge(drawn, allocate(parse_batch(drawn)), optimal=True)
        assert judgement.wrong == []
        counts.update(judgement.features)
        counts["examples"] += 1

    agree()
    n = counts["examples"]
    share = SHARES[size]
    assert n >= n_examples
    assert counts["ships"] >= share.ships * n
    assert sum(counts[name] for name in CONSTRAINTS) >= share.n_constraints * n
    assert not {name for name in CONSTRAINTS if counts[name] < share.rare * n}


def test_a_campaign_counts_its_disagreements(capsys: pytest.CaptureFixture[str]) -> None:
    """Tests the campaign over many seeds in miniature: its exit code and its last line."""
    assert main(["--seeds", "7:10", "--sizes", "tiny", "--modes", "plain,large"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(", ")[:2] for line in lines] == [
        ["plain tiny: 3 examples", "0 disagreements"],
        ["large tiny: 3 examples", "0 disagreements"],
    ]
