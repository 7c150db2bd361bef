"""Tests that a damaged ledger is noticed, and set right from its entries."""

from __future__ import annotations

import pytest

from engine.ledger.commands import Limit
from tests.engine.ledger.asking import DAY1, DAY3, Asking, position


def fill(ask: Asking) -> None:
    """Put something in every balance."""
    ask.limit(Limit(node_id="N", shipments_per_day=5))
    ask.count(on_hand=10, reserved=1, safety_stock=2)
    ask.count(on_hand=10, day=DAY3)
    ask.held(position(quantity=2, shipment_id="s", service_id="fast"), position(quantity=3, day=DAY3))
    ask.check()


DAMAGE = {
    "stock.on_hand": "UPDATE stock SET on_hand = on_hand + 1 WHERE available_on = '' AND tenant = ?",
    "stock.external": "UPDATE stock SET external = 7 WHERE available_on <> '' AND tenant = ?",
    "stock.safety": "UPDATE stock SET safety = 0 WHERE tenant = ?",
    "stock.held": "UPDATE stock SET held = 0 WHERE tenant = ?",
    "booked.units": "DELETE FROM booked WHERE ship_date > '2026-11-28' AND tenant = ?",
    "capacity.shipments": "UPDATE capacity SET shipments = 2 WHERE service_id = '' AND tenant = ?",
    "capacity.units": "UPDATE capacity SET units = 1 WHERE service_id = '' AND tenant = ?",
    "capacity.units of services": "DELETE FROM capacity WHERE service_id <> '' AND tenant = ?",
    "positions.open": "UPDATE positions SET open = 1 WHERE position = 0 AND tenant = ?",
    "positions.open of reservations that are over": "UPDATE reservations SET state = 'RELEASED' WHERE tenant = ?",
    "tenants.last_entry": "DELETE FROM entries WHERE entry = 3 AND tenant = ?",
    "tenants.last_event": "DELETE FROM outbox WHERE event = 1 AND tenant = ?",
}


@pytest.mark.parametrize("what", DAMAGE)
def test_damage_is_found(ask: Asking, what: str) -> None:
    """Tests that a balance, a position or an entry that was changed behind the ledger's back is reported."""
    fill(ask)
    with ask.ledger.database.writing() as session:
        assert session.change(DAMAGE[what], (ask.tenant,))
    report = ask.ledger.verify(ask.tenant)
    assert not report.ok
    assert what in {difference.what for difference in report.differences}
    assert all(difference.tenant == ask.tenant for difference in report.differences)


@pytest.mark.parametrize("what", [what for what in DAMAGE if what.partition(".")[0] in ("stock", "booked", "capacity")])
def test_balances_are_rebuilt(ask: Asking, what: str) -> None:
    """Tests that balances are set to what their entries add up to, and that the ledger then works on."""
    fill(ask)
    before = ask.ledger.snapshot(ask.tenant)
    with ask.ledger.database.writing() as session:
        session.change(DAMAGE[what], (ask.tenant,))
    assert not ask.ledger.rebuild(ask.tenant).ok
    ask.check()
    after = ask.ledger.snapshot(ask.tenant)
    assert after.stock.equals(before.stock)
    assert after.used.equals(before.used)
    ask.held(position(quantity=1, day=DAY1), order="next")
    ask.check()
