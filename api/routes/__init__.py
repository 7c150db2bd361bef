"""All calls of the service, by noun."""

from api.calls import Spec
from api.routes import (
    allocations,
    availability,
    batches,
    feeds,
    health,
    inventory,
    network,
    operations,
    plans,
    promises,
    reservations,
    results,
    simulations,
    webhooks,
)

ALL_CALLS: tuple[Spec, ...] = (
    *network.CALLS,
    *inventory.CALLS,
    *availability.CALLS,
    *promises.CALLS,
    *allocations.CALLS,
    *batches.CALLS,
    *simulations.CALLS,
    *reservations.CALLS,
    *operations.CALLS,
    *plans.CALLS,
    *results.CALLS,
    *webhooks.CALLS,
    *feeds.CALLS,
    *health.CALLS,
)
