"""The tables of a ledger, as the code that writes them knows them: names, types and keys."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

KINDS = {"t": "text", "i": "bigint", "b": "bytea"}


@dataclass(frozen=True)
class Table:
    """One table.

    Parameters
    ----------
    name : str
        Its name.
    spec : str
        Its columns in order, each ``name:t`` (text), ``name:i`` (integer) or ``name:b`` (bytes).
    n_key : int
        How many of the first columns are the primary key.
    """

    name: str
    spec: str
    n_key: int

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns, in order."""
        return tuple(word.partition(":")[0] for word in self.spec.split())

    @cached_property
    def types(self) -> dict[str, str]:
        """PostgreSQL's type of each column."""
        return {word.partition(":")[0]: KINDS[word.partition(":")[2]] for word in self.spec.split()}

    @cached_property
    def key(self) -> tuple[str, ...]:
        """Names of the key's columns."""
        return self.columns[: self.n_key]


TENANTS = Table("tenants", "tenant:t last_entry:i last_event:i network_version:i forgotten_events:i", 1)
NETWORKS = Table("networks", "tenant:t version:i document:b created_ms:i", 2)
LIMITS = Table("limits", "tenant:t node_id:t service_id:t shipments:i units:i", 3)
STOCK = Table(
    "stock",
    "tenant:t node_id:t sku:t available_on:t on_hand:i external:i safety:i held:i owed:i version:i"
    " source:t sequence:i delta_sequence:i",
    4,
)
BOOKED = Table("booked", "tenant:t node_id:t sku:t ship_date:t units:i", 4)
FEED = Table("feed", "tenant:t node_id:t sku:t available_on:t source:t sequence:i delta:i", 6)
CAPACITY = Table("capacity", "tenant:t node_id:t ship_date:t service_id:t shipments:i units:i", 4)
RESERVATIONS = Table(
    "reservations", "tenant:t reservation_id:t order_id:t state:t version:i expires_ms:i created_ms:i", 2
)
POSITIONS = Table(
    "positions",
    "tenant:t reservation_id:t position:i node_id:t sku:t ship_date:t quantity:i line_id:t shipment_id:t service_id:t"
    " open:i fulfilled:i",
    3,
)
ORDERS = Table("orders", "tenant:t order_id:t state:t version:i document:b updated_ms:i", 2)
ENTRIES = Table(
    "entries",
    "tenant:t entry:i at_ms:i kind:t debit:t credit:t node_id:t item:t day:t quantity:i order_id:t reservation_id:t"
    " reason_code:t reference:t",
    2,
)
OUTBOX = Table("outbox", "tenant:t event:i at_ms:i type:t subject:t order_id:t data:b", 2)
IDEMPOTENCY = Table(
    "idempotency",
    "tenant:t route:t key:t body_hash:t owner:t lease_until_ms:i status:i headers:b body:b created_ms:i",
    3,
)
OPERATIONS = Table(
    "operations",
    "tenant:t operation_id:t kind:t state:t version:i request:b progress:b problem:b cancel_asked:i owner:t"
    " lease_until_ms:i attempts:i created_ms:i updated_ms:i",
    2,
)
RESULTS = Table("results", "tenant:t operation_id:t name:t data:b", 3)
WEBHOOKS = Table(
    "webhooks",
    "tenant:t webhook_id:t url:t secret:t event_types:t last_event:i failures:i next_attempt_ms:i owner:t"
    " lease_until_ms:i created_ms:i",
    2,
)
API_KEYS = Table("api_keys", "tenant:t key_id:t key_hash:t scopes:t created_ms:i revoked_ms:i", 2)

ALL_TABLES = (
    TENANTS,
    NETWORKS,
    LIMITS,
    STOCK,
    BOOKED,
    FEED,
    CAPACITY,
    RESERVATIONS,
    POSITIONS,
    ORDERS,
    ENTRIES,
    OUTBOX,
    IDEMPOTENCY,
    OPERATIONS,
    RESULTS,
    WEBHOOKS,
    API_KEYS,
)
