"""Checking: what entries, and reservations, add up to, against the balances that are kept; and setting those right."""

from __future__ import annotations

from dataclasses import dataclass

from engine.ledger.database import Database, Session, equal_sql
from engine.ledger.records import Difference, VerifyReport
from engine.ledger.tables import BOOKED, CAPACITY, STOCK, TENANTS, Table

MAX_SHOWN = 100


@dataclass(frozen=True)
class Check:
    """One thing that is kept, and what it must be: two queries that give the same rows.

    Parameters
    ----------
    what : str
        Its name, ``table.column``.
    kept, expected : str
        Queries of a key and a number, by tenant; a row of 0 and no row are the same.
    n_key : int
        How many columns the key has, the tenant first.
    table : Table, optional
        Where it is kept, if it can be set right; a key that is one column short is that of the row for "".
    """

    what: str
    kept: str
    expected: str
    n_key: int
    table: Table | None = None


def _from_entries(bucket: str, columns: str, more: str = "") -> str:
    """Return a query that adds the entries of a bucket up by some columns."""
    return (
        f"SELECT {columns}, SUM(CASE WHEN credit = '{bucket}' THEN quantity ELSE -quantity END) FROM entries"
        f" WHERE (credit = '{bucket}' OR debit = '{bucket}'){more} GROUP BY {columns}"
    )


_STOCK = "tenant, node_id, item, day"
_OPEN = "open > 0"
_NEW_ROW = {"version": 1, "source": "", "sequence": -1, "delta_sequence": -1}
_CHECKS = (
    *(
        Check(
            f"stock.{bucket}",
            f"SELECT tenant, node_id, sku, available_on, {bucket} FROM stock",
            _from_entries(bucket, _STOCK),
            4,
            STOCK,
        )
        for bucket in ("on_hand", "external", "safety")
    ),
    Check(
        "stock.held",
        "SELECT tenant, node_id, sku, held FROM stock WHERE available_on = ''",
        _from_entries("reserved", "tenant, node_id, item"),
        3,
        STOCK,
    ),
    Check(
        "booked.units",
        "SELECT tenant, node_id, sku, ship_date, units FROM booked",
        _from_entries("reserved", _STOCK),
        4,
        BOOKED,
    ),
    *(
        Check(
            f"capacity.{bucket}",
            f"SELECT tenant, node_id, ship_date, {bucket} FROM capacity WHERE service_id = ''",
            _from_entries(bucket, "tenant, node_id, day"),
            3,
            CAPACITY,
        )
        for bucket in ("shipments", "units")
    ),
    *(
        Check(
            f"capacity.{bucket} of services",
            f"SELECT tenant, node_id, ship_date, service_id, {bucket} FROM capacity WHERE service_id <> ''",
            _from_entries(bucket, "tenant, node_id, day, item", " AND item <> ''"),
            4,
            CAPACITY,
        )
        for bucket in ("shipments", "units")
    ),
    Check(
        "positions.open",
        f"SELECT tenant, node_id, sku, ship_date, SUM(open) FROM positions WHERE {_OPEN}"
        " GROUP BY tenant, node_id, sku, ship_date",
        "SELECT tenant, node_id, sku, ship_date, units FROM booked",
        4,
    ),
    Check(
        "positions.open of reservations that are over",
        "SELECT p.tenant, p.reservation_id, SUM(p.open) FROM positions p JOIN reservations r ON r.tenant = p.tenant"
        f" AND r.reservation_id = p.reservation_id WHERE p.{_OPEN} AND r.state NOT IN ('HELD', 'CONFIRMED')"
        " GROUP BY p.tenant, p.reservation_id",
        "SELECT tenant, '', 0 FROM tenants",
        2,
    ),
    Check(
        "capacity.shipments of reservations",
        "SELECT tenant, node_id, ship_date, shipments FROM capacity WHERE service_id = ''",
        "SELECT tenant, node_id, ship_date, COUNT(*) FROM (SELECT DISTINCT tenant, reservation_id, node_id, ship_date,"
        " service_id, shipment_id FROM positions WHERE shipment_id IS NOT NULL AND open + fulfilled > 0) AS s"
        " GROUP BY tenant, node_id, ship_date",
        3,
    ),
    Check(
        "tenants.last_entry",
        "SELECT tenant, last_entry FROM tenants",
        "SELECT tenant, COUNT(*) FROM entries GROUP BY tenant",
        1,
    ),
    Check(
        "tenants.last_event",
        "SELECT tenant, last_event - forgotten_events FROM tenants",
        "SELECT tenant, COUNT(*) FROM outbox GROUP BY tenant",
        1,
    ),
)


class Checking:
    """The part of a ledger that doubts it."""

    database: Database

    def verify(self, tenant: str | None = None) -> VerifyReport:
        """Check that entries, balances and reservations agree, in one consistent read."""
        with self.database.reading(bulk=True) as session:
            return _report(session, tenant)

    def rebuild(self, tenant: str | None = None) -> VerifyReport:
        """Set every balance to what its entries add up to; return what was wrong before."""
        with self.database.writing() as session:
            known = [row[0] for row in session.query("SELECT tenant FROM tenants ORDER BY tenant")]
            session.select(TENANTS, TENANTS.key, [(one,) for one in known], lock=True)  # nobody commits meanwhile
            report = _report(session, tenant)
            for check in _CHECKS:
                if check.table is not None:
                    for key, _, expected in _differing(session, check, tenant):
                        _repair(session, check, key, expected)
        return report


def _report(session: Session, tenant: str | None) -> VerifyReport:
    differences: list[Difference] = []
    n_differences = 0
    for check in _CHECKS:
        for key, kept, expected in _differing(session, check, tenant):
            n_differences += 1
            if len(differences) < MAX_SHOWN:
                one = Difference(tenant=key[0], what=check.what, key=key[1:], balance=kept, expected=expected)
                differences.append(one)
    where, values = ("", ()) if tenant is None else (" WHERE tenant = ?", (tenant,))
    counts = [
        int(session.query(f"SELECT COUNT(*) FROM {table}{where}", values)[0][0])
        for table in ("entries", "stock", "booked", "capacity", "reservations")
    ]
    return VerifyReport(
        n_entries=counts[0],
        n_balances=sum(counts[1:4]),
        n_reservations=counts[4],
        differences=tuple(differences),
        n_differences=n_differences,
    )


def _differing(session: Session, check: Check, tenant: str | None) -> list[tuple[tuple[str, ...], int, int]]:
    """Return key, what is kept and what is expected, where they differ; the database compares."""
    names = ", ".join(f"k{number}" for number in range(check.n_key))
    where = "" if tenant is None else " WHERE k0 = ?"
    sql = (
        f"WITH a ({names}, n) AS ({check.kept}), b ({names}, n) AS ({check.expected})"
        f" SELECT {names}, SUM(kept), SUM(expected) FROM (SELECT {names}, n AS kept, 0 AS expected FROM a{where}"
        f" UNION ALL SELECT {names}, 0, n FROM b{where}) AS both_sides GROUP BY {names}"
        " HAVING SUM(kept) <> SUM(expected)"
    )
    rows = session.query(sql, () if tenant is None else (tenant, tenant))
    return [(row[: check.n_key], int(row[-2]), int(row[-1])) for row in rows]


def _repair(session: Session, check: Check, key: tuple[str, ...], expected: int) -> None:
    """Set a balance, in a new row where the row went."""
    assert check.table is not None
    column = check.what.partition(".")[2].partition(" ")[0]
    full_key = (*key, "") if len(key) < check.table.n_key else key
    paid = ", owed = 0" if column == "on_hand" else ""
    sql = f"UPDATE {check.table.name} SET {column} = ?{paid} WHERE {equal_sql(check.table.key)}"
    if not session.change(sql, (expected, *full_key)):
        row = (
            dict.fromkeys(check.table.columns, 0) | _NEW_ROW | dict(zip(check.table.key, full_key)) | {column: expected}
        )
        session.insert(check.table, [tuple(row[name] for name in check.table.columns)])
