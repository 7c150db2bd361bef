"""Tests freight by weight as the search over pieces of a large order reads it."""

from __future__ import annotations

import numpy as np

from engine.rates import freight_cents
from engine.visit_freight import fill_stairs, freight_at, kind_of
from engine.visit_sets import FAR
from solver.source import MILLI

RATE_FIRST = np.array([0, 3, 6, 8])
RATE_MAX_G = np.array([500, 1000, 5000, 400, 1000, 6000, 2000, 9000])
RATE_CENTS = np.array([500, 700, 1500, 650, 800, 1400, 900, 2000])
FUEL_BP = np.array([1000, 0, 250])
SURCHARGE = np.array([0, 120, 30])
LATE = np.array([0, 0, 55])
CAPACITY_PRICE = np.array([0, 77, 0])
CAN_CARRY = np.array([[0b01], [0b11], [0b10]], np.uint64)
REQUIRES = np.array([[0], [0b01], [0b10], [0b100]], np.uint64)  # by piece
ASKS = np.array([0b0010, 0b0100, 0b1000])
HEAVIEST_G = 4000


def _least_milli(kind: int, weight_g: int) -> int:
    """Freight by the cheapest service that has all that a kind asks for, computed the plain way."""
    needs = 0
    for i, piece in enumerate((1, 2, 3)):
        needs |= int(REQUIRES[piece, 0]) if (kind >> i) & 1 else 0
    costs = [
        MILLI
        * int(
            LATE[service]
            + freight_cents(
                RATE_FIRST, RATE_MAX_G, RATE_CENTS, service, weight_g, int(FUEL_BP[service]), int(SURCHARGE[service])
            )
        )
        + int(CAPACITY_PRICE[service])
        for service in range(3)
        if not needs & ~int(CAN_CARRY[service, 0])
    ]
    return min(costs, default=FAR)


def _stairs(kind: int, rising: bool = True) -> tuple[int, np.ndarray, np.ndarray]:
    ends, milli = np.zeros((8, 1, 20), np.int64), np.zeros((8, 1, 20), np.int64)
    n = fill_stairs(
        RATE_FIRST,
        RATE_MAX_G,
        RATE_CENTS,
        np.arange(3),
        LATE,
        FUEL_BP,
        SURCHARGE,
        CAPACITY_PRICE,
        CAN_CARRY,
        REQUIRES,
        ASKS,
        kind,
        HEAVIEST_G,
        rising,
        ends[kind, 0],
        milli[kind, 0],
    )
    return n, ends, milli


def test_stairs_are_the_freight_of_services_that_have_what_is_asked_for() -> None:
    """Tests every kind at every weight up to the heaviest against the plain computation."""
    for kind in range(8):
        n, ends, milli = _stairs(kind)
        for weight_g in range(1, HEAVIEST_G + 1, 37):
            assert freight_at(ends, milli, n, kind, 0, weight_g) == _least_milli(kind, weight_g)


def test_demands_that_no_service_meets_together_cost_a_lot() -> None:
    """Tests that a demand nobody meets leaves no stair to stand on; without it the search would not end."""
    n, ends, milli = _stairs(0b100)
    assert freight_at(ends, milli, n, 0b100, 0, 800) == FAR
    n, ends, milli = _stairs(0b011)
    assert freight_at(ends, milli, n, 0b011, 0, 800) == _least_milli(0b011, 800) < FAR


def test_falling_rates_have_no_stairs() -> None:
    """Tests that where freight can fall with weight, nothing is claimed of it."""
    n, ends, milli = _stairs(0, rising=False)
    assert n == 1
    assert freight_at(ends, milli, n, 0, 0, 800) == 0


def test_a_kind_names_the_demands_of_a_set_of_pieces() -> None:
    """Tests that pieces without a demand add nothing, and that pieces of one demand are one bit."""
    assert kind_of(ASKS, 0b0001) == 0
    assert kind_of(ASKS, 0b0011) == 0b001
    assert kind_of(ASKS, 0b1110) == 0b111
    assert kind_of(np.array([0b0110]), 0b0110) == 1
