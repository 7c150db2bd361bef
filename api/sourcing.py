"""Sourcing again: what a node could not ship goes elsewhere, and the rest stays where it is unless moving pays."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from api.answers import Answer
from api.ledger_answers import TRY_AGAIN, answer_of, json_response, refusal, reservation_name
from api.order_documents import Kept, allocation_document, live_reservations, positions_of
from api.problems import Problem, invalid, not_found
from api.writer import Decide
from engine.ledger import Idempotency, Request, Response
from engine.ledger.commands import Found, RejectLines, Reserve
from engine.ledger.outcomes import Outcome, Refused
from engine.ledger.records import OrderRecord
from engine.live import Again, Decision, Standing, Unallocated

if TYPE_CHECKING:
    from api.service import Service


class Sourcing:
    """Rejections of one tenant.

    Parameters
    ----------
    service : Service
        The parts it works with.
    tenant : str
        Whose orders.
    """

    def __init__(self, service: Service, tenant: str) -> None:
        self._service = service
        self._tenant = tenant

    async def reject(
        self,
        order_id: str,
        *,
        node_id: str,
        line_ids: Sequence[str] | None,
        found: Mapping[str, int],
        hold_seconds: int | None,
        if_match: int | None,
        known: Idempotency | None,
    ) -> Answer:
        """Release lines at a node, record what was found there, and serve the lines elsewhere.

        The release is a transaction of its own: a crash after it leaves the lines free, and the same request
        again goes on from there.
        """
        service = self._service
        await service.desk(self._tenant)
        if known is not None:
            first = await service.read(service.ledger.begin_request, self._tenant, known, lease_ms=30_000)
            if first is not None:
                return answer_of(first)
        try:
            record = await self._order(order_id)
            kept, record = await self._release(record, node_id, line_ids, found, if_match)
            return await self._source(record, kept, hold_seconds, known)
        except BaseException:
            if known is not None:
                await service.read(service.ledger.abandon_request, self._tenant, known)
            raise

    async def _order(self, order_id: str) -> OrderRecord:
        record = await self._service.read(self._service.ledger.order, self._tenant, order_id)
        if record is None or record.document is None:
            raise not_found(f"a decision on the order {order_id!r}")
        if record.state != "OPEN":
            raise Problem(409, "conflict", f"the order is {record.state}")
        return record

    async def _release(
        self,
        record: OrderRecord,
        node_id: str,
        line_ids: Sequence[str] | None,
        found: Mapping[str, int],
        if_match: int | None,
    ) -> tuple[Kept, OrderRecord]:
        assert record.document is not None
        kept = Kept.from_bytes(record.document)
        here = _open_lines(record, node_id)
        wanted = set(here if line_ids is None else line_ids)
        asked = {line.line_id for line in kept.order.lines}
        if not wanted <= asked:
            raise invalid(f"the order has no line {sorted(wanted - asked)[0]!r}", ("/line_ids", "not of the order"))
        unserved = {row.line_id for row in kept.decision.unallocated}
        barred = {line for line, nodes in kept.barred.items() if node_id in nodes and line in unserved}
        if not wanted or not wanted <= here | barred:
            raise Problem(409, "conflict", f"{node_id} holds nothing open of these lines of the order")
        after = Kept(
            order=kept.order,
            decision=_without(kept.decision, node_id, wanted),
            barred={
                **kept.barred,
                **{line: tuple(dict.fromkeys((*kept.barred.get(line, ()), node_id))) for line in wanted},
            },
        )
        if not wanted & here:
            return after, record  # released before; the rest of the work was interrupted
        command = RejectLines(
            order_id=record.order_id,
            node_id=node_id,
            line_ids=tuple(sorted(wanted & here)),
            found=tuple(Found(node_id=node_id, sku=sku, on_hand=count) for sku, count in found.items()),
            document=after.to_bytes(),
            if_match=if_match,
        )
        [reply] = await self._service.writer.write(Request(tenant=self._tenant, command=command))
        if isinstance(reply.outcome, Refused):
            raise refusal(reply.outcome)
        return after, await self._order(record.order_id)

    async def _source(
        self, record: OrderRecord, kept: Kept, hold_seconds: int | None, known: Idempotency | None
    ) -> Answer:
        service = self._service
        gone = _gone(record, kept.decision)
        standing = tuple(
            Standing(
                shipment=shipment,
                allocations=tuple(row for row in kept.decision.allocations if row.shipment_id == shipment.shipment_id),
                fixed=shipment.shipment_id in gone,
            )
            for shipment in kept.decision.shipments
        )
        confirmed = any(found.state == "CONFIRMED" for found in live_reservations(record.reservations)) or any(
            found.state == "CONFIRMED" or found.state == "FULFILLED" for found in record.reservations
        )
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        hold = hold_seconds or service.settings.hold_seconds
        item = Decide(
            tenant=self._tenant,
            order=kept.order,
            reserve=_Replacing(self._tenant, kept, record.version, gone, known, confirmed=confirmed, hold_seconds=hold),
            attempts=service.settings.attempts,
            future=future,
            again=Again(standing=standing, barred=kept.barred),
            former=kept.decision,
        )
        service.writer.submit(item)
        _, reply = await future
        return answer_of(reply)


class _Replacing:
    """Makes the ledger's request for a new decision on an order that has one."""

    def __init__(
        self,
        tenant: str,
        kept: Kept,
        version: int,
        gone: frozenset[str],
        known: Idempotency | None,
        *,
        confirmed: bool,
        hold_seconds: int,
    ) -> None:
        self._tenant = tenant
        self._kept = kept
        self._version = version
        self._gone = gone
        self._known = known
        self._confirmed = confirmed
        self._ttl_ms = None if confirmed else 1000 * hold_seconds

    def __call__(self, decision: Decision, final: bool) -> Request:
        kept = Kept(order=self._kept.order, decision=decision, barred=self._kept.barred)
        document = decision.to_document()

        def respond(outcome: Outcome) -> Response:
            if isinstance(outcome, Refused):
                if not final and outcome.reason in ("insufficient_stock", "insufficient_capacity"):
                    return TRY_AGAIN
                answer = refusal(outcome).answer()
                return Response(status=answer.status, body=answer.body, headers=dict(answer.headers))
            version = outcome.order_version  # type: ignore[union-attr]
            shown = allocation_document(
                document,
                state="OPEN",
                version=version,
                reservations=[reservation_name(outcome.reservation)],  # type: ignore[union-attr]
            )
            return json_response(shown, ETag=f'"{version}"')

        command = Reserve(
            reservation_id=f"r-{secrets.token_hex(10)}",
            order_id=kept.order.order_id,
            positions=positions_of(decision, self._gone),
            confirmed=self._confirmed,
            ttl_ms=self._ttl_ms,
            document=kept.to_bytes(),
            mode="replace",
            if_match=self._version,
        )
        return Request(tenant=self._tenant, command=command, idempotency=self._known, respond=respond)


def _open_lines(record: OrderRecord, node_id: str) -> set[str]:
    return {
        position.line_id
        for found in live_reservations(record.reservations)
        for position in found.positions
        if position.node_id == node_id and position.open > 0 and position.line_id is not None
    }


def _gone(record: OrderRecord, decision: Decision) -> frozenset[str]:
    """Shipments that have left: fulfilled, and nothing of them open."""
    left, still = set(), set()
    for found in record.reservations:
        for position in found.positions:
            if position.shipment_id is not None:
                if position.open:
                    still.add(position.shipment_id)
                elif position.fulfilled:
                    left.add(position.shipment_id)
    return frozenset(row.shipment_id for row in decision.shipments if row.shipment_id in left - still)


def _without(decision: Decision, node_id: str, lines: set[str]) -> Decision:
    """A decision without some lines at a node: what stands after a rejection, until the lines are served elsewhere."""
    rejected = [row for row in decision.allocations if row.node_id == node_id and row.line_id in lines]
    allocations = tuple(row for row in decision.allocations if row not in rejected)
    full = {row.shipment_id for row in allocations}
    left: dict[str, Unallocated] = {row.line_id: row for row in decision.unallocated}
    for row in rejected:
        former = left.get(row.line_id)
        left[row.line_id] = Unallocated(
            order_id=row.order_id,
            line_id=row.line_id,
            sku=row.sku,
            quantity=row.quantity + (0 if former is None else former.quantity),
            reason="no_stock",
            unallocated_cents=0 if former is None else former.unallocated_cents,
        )
    return Decision(
        order_id=decision.order_id,
        shipments=tuple(row for row in decision.shipments if row.shipment_id in full),
        allocations=allocations,
        unallocated=tuple(left.values()),
        price_cents=decision.price_cents,
    )
