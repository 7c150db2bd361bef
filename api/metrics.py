"""What Prometheus reads. One registry for each application, so that tests can have several."""

from __future__ import annotations

from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.02, 0.035, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
_SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)


class Metrics:
    """Counters, gauges and histograms of the service."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        made: dict[str, Any] = {"registry": self.registry, "namespace": "nodewise"}
        self.requests = Counter("requests", "Requests answered.", ("call", "method", "status"), **made)
        self.seconds = Histogram("request_seconds", "Time to answer.", ("call",), buckets=_SECONDS, **made)
        self.waiting = Gauge("requests_waiting", "Requests under way: the queue's depth.", **made)
        self.refused_busy = Counter("requests_refused_busy", "Requests refused because too many waited.", **made)
        self.allocation_seconds = Histogram(
            "allocation_seconds", "From an order's arrival to its decision being durable.", buckets=_SECONDS, **made
        )
        self.allocations = Counter("allocations", "Single orders decided, by outcome.", ("outcome",), **made)
        self.joint_orders = Histogram("joint_orders", "Orders decided together.", buckets=_SIZES, **made)
        self.commit_requests = Histogram(
            "commit_requests", "Requests in one ledger transaction.", buckets=_SIZES, **made
        )
        self.commit_seconds = Histogram("commit_seconds", "Time of one ledger transaction.", buckets=_SECONDS, **made)
        self.oversell_refusals = Counter(
            "oversell_refusals", "Reservations that the ledger refused because something was not there.", **made
        )
        self.lost_races = Counter("lost_races", "Decisions made again after losing a race.", **made)
        self.batch_gap = Gauge("batch_gap", "Certified gap of the last batch.", **made)
        self.batches = Counter("batches", "Batches ended, by state.", ("state",), **made)
        self.operations_waiting = Gauge("operations_waiting", "Operations that wait or run in this process.", **made)
        self.ledger_drift = Gauge(
            "ledger_drift", "Balances that differ from the sum of their entries; has to be 0.", **made
        )
        self.ledger_up = Gauge("ledger_up", "Whether the ledger answered last time.", **made)
        self.snapshot_age_seconds = Gauge("snapshot_age_seconds", "Age of the oldest snapshot in use.", **made)
        self.snapshot_refreshes = Counter("snapshot_refreshes", "Snapshots rebuilt aside and swapped in.", **made)
        self.webhooks_sent = Counter(
            "webhook_attempts", "Attempts to deliver an event, by outcome.", ("outcome",), **made
        )
        self.expired = Counter("holds_expired", "Holds freed by the sweeper.", **made)

    def text(self) -> bytes:
        """Return what is measured, as Prometheus reads it."""
        return generate_latest(self.registry)
