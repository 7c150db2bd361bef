"""Real-time decisions: single orders, promises and explanations on a snapshot in memory.

The life of a snapshot in a service::

    snapshot = Snapshot(batch)                              # network, stock with reservations, used capacity
    prices = snapshot.prices(allocation["prices"])          # of the last batch, while they are fresh
    decisions = decide(snapshot, orders, prices=prices, take=True)
    ...                                                     # write them to the ledger
    snapshot.give_back(refused)                             # what the ledger refused; decide again after
    snapshot.apply(stock=[StockDelta(...)])                 # what others changed, never one's own decisions twice
    snapshot.rebuild(as_of=now)                             # in the background, by valid_until and waiting

After a rejection, with the count found there already applied to the stock::

    again = Again(standing=..., barred={line_id: (node_id,)})
    decide(snapshot, [order], again={order.order_id: again}, take=True)

Nothing here reads a clock or writes anything but the snapshot.
"""

from engine.live.answers import Explanation, Obstacle, Promise, PromiseOption, ResourcePrice, Rival
from engine.live.deciding import decide, faults_of
from engine.live.explaining import explain
from engine.live.prices import LivePrices
from engine.live.promising import promise
from engine.live.snapshot import Snapshot
from engine.live.types import (
    TERMS,
    Again,
    Allocated,
    CapacityTaken,
    Decision,
    Order,
    OrderLine,
    Position,
    Shipment,
    Standing,
    StockDelta,
    Unallocated,
    UsedDelta,
)

__all__ = [
    "TERMS",
    "Again",
    "Allocated",
    "CapacityTaken",
    "Decision",
    "Explanation",
    "LivePrices",
    "Obstacle",
    "Order",
    "OrderLine",
    "Position",
    "Promise",
    "PromiseOption",
    "ResourcePrice",
    "Rival",
    "Shipment",
    "Snapshot",
    "Standing",
    "StockDelta",
    "Unallocated",
    "UsedDelta",
    "decide",
    "explain",
    "faults_of",
    "promise",
]
