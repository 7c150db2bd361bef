"""Small, dense batches drawn from a seed: most of them ship something and touch several constraints."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

Document = dict[str, Any]

CITIES = [  # name, lat, lon, region, time zone
    ("NYC", 40.7128, -74.006, "NE", "America/New_York"),
    ("PHL", 39.9526, -75.1652, "NE", "America/New_York"),
    ("ATL", 33.749, -84.388, "SE", "America/New_York"),
    ("MEM", 35.1495, -90.049, "SE", "America/Chicago"),
    ("CHI", 41.8781, -87.6298, "MW", "America/Chicago"),
    ("DFW", 32.7767, -96.797, "SW", "America/Chicago"),
    ("DEN", 39.7392, -104.9903, "MT", "America/Denver"),
    ("PHX", 33.4484, -112.074, "SW", "America/Phoenix"),
    ("LAX", 34.0522, -118.2437, "W", "America/Los_Angeles"),
    ("SEA", 47.6062, -122.3321, "W", "America/Los_Angeles"),
    ("HNL", 21.3069, -157.8583, "PAC", "Pacific/Honolulu"),
]
# a Friday evening before the clocks change, the change itself, ordinary days, a year's end
INSTANTS = [
    "2026-03-06T23:30:00+00:00",
    "2026-03-08T06:59:59.999999+00:00",
    "2026-03-08T03:00:00-04:00",
    "2026-06-15T16:00:00Z",
    "2026-06-16T09:15:30-05:00",
    "2026-07-02T12:00:00-07:00",
    "2026-11-01T01:30:00-04:00",
    "2026-12-31T17:00:00+00:00",
    "2028-02-28T20:45:00.000001+00:00",
]


class Shape(NamedTuple):
    """Largest counts of a drawn batch."""

    n_orders: int
    n_lines: int
    n_nodes: int
    n_services: int
    n_skus: int
    quantity: int
    horizon_days: int


SIZES = {
    "tiny": Shape(3, 2, 2, 2, 2, 2, 2),
    "small": Shape(6, 3, 4, 3, 4, 3, 3),
}


def batches(size: str = "small") -> st.SearchStrategy[Document]:
    """Batches as JSON documents; the seed is what hypothesis varies."""
    return st.integers(min_value=0, max_value=2**32 - 1).map(lambda seed: draw_batch(seed, size))


def draw_batch(seed: int, size: str = "small") -> Document:
    """Draw the batch of a seed; the same seed gives the same document."""
    return _Draw(random.Random(seed), SIZES[size]).document()


class _Draw:
    """One draw: the tables are filled in an order in which each can look at those before."""

    def __init__(self, rng: random.Random, shape: Shape) -> None:
        self.rng = rng
        self.split = rng.random() < 0.3
        # parts of lines multiply the options, so batches that allow them have fewer orders, nodes and days
        self.shape = shape._replace(n_orders=4, n_lines=2, n_nodes=3, horizon_days=2) if self.split else shape
        self.n_days = rng.choice([days for days in (1, 1, 2, 2, 3) if days <= self.shape.horizon_days])
        if self.n_days == 3:
            self.shape = self.shape._replace(n_nodes=min(3, self.shape.n_nodes))
        self.as_of = rng.choice(INSTANTS)
        self.instant = datetime.fromisoformat(self.as_of)
        self.special = rng.random() < 0.35  # some items need a capability
        self.bottleneck = rng.choice(["stock", "stock", "slots", "services"])

    def chance(self, probability: float) -> bool:
        return self.rng.random() < probability

    def day(self, low: int, high: int) -> str:
        """A date some days from the date of as_of."""
        return (self.instant.date() + timedelta(days=self.rng.randint(low, high))).isoformat()

    def some(self, row: Document, **optional: tuple[float, Any]) -> Document:
        """Fill optional columns with their probability; sometimes say null or nothing for the default."""
        for column, (probability, value) in optional.items():
            if self.chance(probability):
                row[column] = value
            elif self.chance(0.05):
                row[column] = self.rng.choice([None, ""])
        return row

    def document(self) -> Document:
        policy = self.policy()
        items = self.items()
        nodes = self.nodes()
        services = self.services()
        orders = self.orders(nodes)
        lines = self.lines(orders, items)
        lanes = self.lanes(nodes, services)
        capacity = self.service_capacity(nodes, services)
        document = {
            "policy": policy,
            "nodes": nodes,
            "stock": self.stock(nodes, items, lines),
            "items": items,
            "services": services,
            "bands": self.bands(services),
            "lanes": lanes,
            "rates": self.rates(services),
            "service_capacity": capacity,
            "closures": self.closures(nodes, services),
            "used": self.used(nodes, capacity),
            "orders": orders,
            "lines": lines,
        }
        if self.chance(0.02):
            emptied = self.rng.choice(["stock", "bands", "rates", "lines", "orders"])
            document[emptied] = []
            if emptied == "orders":
                document["lines"] = []
        for table in ("bands", "lanes", "service_capacity", "closures", "used"):
            if not document[table] and self.chance(0.5):
                del document[table]
        return document

    def policy(self) -> Document:
        rng = self.rng
        policy = {"as_of": self.as_of, "horizon_days": self.n_days, "allow_line_split": self.split}
        return self.some(
            policy,
            max_shipments=(0.4, rng.choice([1, 2, 2, 2 if self.split else 3])),
            split_cents=(0.6, rng.choice([1, 100, 250, 600])),
            late_cents_per_day=(0.6, rng.choice([0, 75, 200, 333, 900])),
            unallocated_cents=(0.4, rng.choice([0, 800, 2500, 2500, 4001])),
            unallocated_value_bp=(0.4, rng.choice([0, 1234, 7001, 10000, 15000])),
            max_distance_km=(0.15, rng.choice([1500, 2500.5, 4200])),
            dim_cm3_per_kg=(0.3, rng.choice([1, 3000, 4999, 6000]) if self.chance(0.8) else 139),
            carbon_cents_per_kg=(0.5, rng.choice([5, 30, 77])),
        )

    def items(self) -> list[Document]:
        rng = self.rng
        return [
            self.some(
                {"sku": f"{number:03d}", "weight_g": rng.choice([1, 250, 900, 1500, 2400, 5500])},
                volume_cm3=(0.5, rng.choice([0, 800, 2501, 12000])),
                value_cents=(0.85, rng.choice([999, 2500, 6001, 15000])),
                requires=(0.4 * self.special, rng.choice(["cold", "hazmat", "cold hazmat"])),
            )
            for number in range(rng.randint(2, self.shape.n_skus))
        ]

    def nodes(self) -> list[Document]:
        rng = self.rng
        nodes = []
        tight = self.bottleneck == "slots"
        n_nodes = rng.randint(min(3, self.shape.n_nodes), self.shape.n_nodes)
        for number, (_, lat, lon, _, zone) in enumerate(rng.sample(CITIES, n_nodes)):
            ready_minutes = rng.choice([0, 0, 0, 30, 90, 1440])
            local = (self.instant.astimezone(UTC) + timedelta(minutes=ready_minutes)).astimezone(ZoneInfo(zone))
            cutoff = local.strftime("%H:%M") if self.chance(0.3) else rng.choice(["00:00", "14:00", "23:59"])
            node: Document = {"node_id": f"N{number}", "kind": rng.choice(["dc", "store", "3pl", "vendor"])}
            node |= {"lat": lat, "lon": lon}
            nodes.append(
                self.some(
                    node,
                    shipments_per_day=(0.9 if tight else 0.5, rng.choice([1, 1, 2, 2 if tight else 4])),
                    units_per_day=(0.45, rng.choice([1, 2, 3, 4, 6, 9])),
                    shipment_cents=(0.6, rng.choice([50, 120, 300])),
                    line_cents=(0.5, rng.choice([15, 40])),
                    unit_cents=(0.5, rng.choice([5, 25, 60])),
                    preference_cents=(0.4, rng.choice([-900, -150, -40, 80, 200])),
                    ready_minutes=(1.0 if ready_minutes else 0.3, ready_minutes),
                    cutoff=(0.6, cutoff),
                    timezone=(0.8, zone),
                    working_days=(0.5, rng.choice(["1111111", "1111110", "0101011", "0000011", "1110111"])),
                    offline=(0.08, self.chance(0.6)),
                    capabilities=(
                        0.85 * self.special,
                        rng.choice(["cold", "cold hazmat", "cold hazmat", "hazmat big"]),
                    ),
                )
            )
        if self.chance(0.01):
            nodes[0]["working_days"] = "0000000"
        return nodes

    def services(self) -> list[Document]:
        rng = self.rng
        return [
            self.some(
                {"service_id": name, "carrier": rng.choice(["post", "van"])},
                fuel_bp=(0.6, rng.choice([1, 775, 1450])),
                residential_cents=(0.5, rng.choice([95, 410])),
                delivery_days=(0.5, rng.choice(["1111111", "1111100", "1010101", "0000011"])),
                capabilities=(0.9 * self.special, rng.choice(["cold", "cold hazmat", "cold hazmat"])),
                carbon_g_per_tonne_km=(0.6, rng.choice([60, 120, 600])),
            )
            for name in rng.sample(["ground", "express", "economy"], rng.choice([1, *[2] * 8, self.shape.n_services]))
        ]

    def bands(self, services: list[Document]) -> list[Document]:
        rng = self.rng
        bands = []
        for service in services:
            fast = service["service_id"] == "express"
            reaches = sorted(rng.sample([600, 1200.5, 2000, 3000], rng.randint(0, 2)))
            reaches.append(9000 if self.chance(0.85) else 3900)
            for number, reach in enumerate(reaches):
                days = rng.choice([0, 1, 1, 2]) if fast else rng.choice([1, 2, 3, 4]) + number
                zone = rng.choice(["2", "5", "8"]) if self.chance(0.2) else "258"[number]
                row = {"service_id": service["service_id"], "max_km": reach}
                bands.append(row | {"zone": zone, "transit_days": days})
        rng.shuffle(bands)
        return bands

    def lanes(self, nodes: list[Document], services: list[Document]) -> list[Document]:
        rng = self.rng
        if not self.chance(0.5):
            return []
        return [
            {
                "node_id": node["node_id"],
                "region": region,
                "service_id": service["service_id"],
                "zone": rng.choice(["2", "5", "8", "lane"]),
                "transit_days": rng.randint(0, 4),
            }
            for node in nodes
            for region in sorted({city[3] for city in CITIES})
            for service in services
            if self.chance(0.2)
        ]

    def rates(self, services: list[Document]) -> list[Document]:
        rng = self.rng
        rates = []
        for service in services:
            dear = 2 if service["service_id"] == "express" else 1
            for step, zone in enumerate(["2", "5", "8", "lane"]):
                if self.chance(0.02):
                    continue
                weights = sorted(rng.sample([1000, 2500, 5000, 12000, 30000], rng.randint(1, 3)))
                for number, max_weight_g in enumerate(weights):
                    cents = dear * (280 + 130 * (step % 3) + 190 * number) + rng.randint(0, 99)
                    row = {"service_id": service["service_id"], "zone": zone}
                    rates.append(row | {"max_weight_g": max_weight_g, "cents": cents})
        rng.shuffle(rates)
        return rates

    def orders(self, nodes: list[Document]) -> list[Document]:
        rng = self.rng
        node_ids = [node["node_id"] for node in nodes]
        orders = []
        places = [*rng.sample(CITIES[:-1], 3), rng.choice(CITIES)]
        for number in range(rng.randint(min(3, self.shape.n_orders), self.shape.n_orders)):
            _, lat, lon, region, _ = rng.choice(places)
            promised = self.chance(0.65)
            order = {"order_id": f"O{number}", "lat": lat, "lon": lon}
            if self.chance(0.3):
                order |= {
                    "lat": round(lat + rng.uniform(-1, 1), 4),
                    "lon": round(lon + rng.uniform(-1, 1), 4),
                }
            orders.append(
                self.some(
                    order,
                    region=(0.7, region),
                    residential=(0.4, self.chance(0.4)),
                    deliver_by=(1.0 if promised else 0.0, self.day(1, 8)),
                    hard_promise=(0.2, self.chance(0.8)),
                    late_cents_per_day=(0.3, rng.choice([0, 51, 150, 1200])),
                    priority_pct=(0.35, rng.choice([0, 50, 50, 99, 101, 300, 300, 300])),
                    ship_complete=(0.15, self.chance(0.8)),
                    max_shipments=(0.15, rng.choice([0, 1, 1, 2, *[1 if self.split else 3] * 3])),
                    only_nodes=(0.1, " ".join(rng.sample(node_ids, rng.randint(1, len(node_ids))))),
                    not_nodes=(0.1, rng.choice(node_ids)),
                    held=(0.06, self.chance(0.6)),
                )
            )
        return orders

    def lines(self, orders: list[Document], items: list[Document]) -> list[Document]:
        rng = self.rng
        lines = []
        for order in orders:
            n_lines = min(rng.choice([1, 2, 2, 3, 3]), self.shape.n_lines)
            together = n_lines > 1 and self.chance(0.25)
            for number in range(n_lines):
                row = {"order_id": order["order_id"], "line_id": f"{number + 1}"}
                row |= {"sku": rng.choice(items)["sku"], "quantity": rng.randint(1, self.shape.quantity)}
                word = rng.choice(["set", "set", "set", "alone"]) if together else "alone"
                lines.append(
                    self.some(
                        row,
                        unallocated_cents=(0.25, rng.choice([0, 701, 1501, 3000, 5000])),
                        ship_together=(0.9 if together else 0.03, word),
                    )
                )
        if self.chance(0.2):
            rng.shuffle(lines)
        return lines

    def stock(self, nodes: list[Document], items: list[Document], lines: list[Document]) -> list[Document]:
        """Share about as much as is asked for among the nodes, so that most skus are scarce somewhere."""
        rng = self.rng
        stock = []
        for item in items:
            asked = sum(line["quantity"] for line in lines if line["sku"] == item["sku"])
            places = [node["node_id"] for node in nodes if self.chance(0.85)] or [nodes[0]["node_id"]]
            shares = [0] * len(places)
            for _ in range(
                round(asked * rng.choice([0.8, 1.2, 1.6] if self.bottleneck == "stock" else [1.6, 2.5]) + 0.5)
            ):
                shares[rng.randrange(len(places))] += 1
            for node_id, share in zip(places, shares):
                later = rng.randint(0, share) if self.chance(0.3) else 0
                reserved = rng.choice([0, 0, 0, 0, 1, 2])
                safety_stock = rng.choice([0, 0, 0, 0, 1])
                now = {"node_id": node_id, "sku": item["sku"], "on_hand": share - later + reserved}
                now["on_hand"] += 0 if self.chance(0.2) else safety_stock
                self.some(now, reserved=(1.0 if reserved else 0.1, reserved))
                self.some(now, safety_stock=(1.0 if safety_stock else 0.1, safety_stock))
                if self.chance(0.1):
                    now["available_on"] = self.day(-3, 0)
                stock.append(now)
                if later:
                    inbound = {"node_id": node_id, "sku": item["sku"], "on_hand": later}
                    stock.append(inbound | {"available_on": self.day(1, 4)})
        rng.shuffle(stock)
        return stock

    def service_capacity(self, nodes: list[Document], services: list[Document]) -> list[Document]:
        probability = 0.7 if self.bottleneck == "services" else 0.35
        return [
            {
                "node_id": node["node_id"],
                "service_id": service["service_id"],
                "shipments_per_day": self.rng.choice([0, 1, 1, 1, 2, 2, 2, 3]),
            }
            for node in nodes
            for service in services
            if self.chance(probability)
        ]

    def closures(self, nodes: list[Document], services: list[Document]) -> list[Document]:
        rows = [
            {"date": self.day(0, 3), "node_id": self.rng.choice(nodes)["node_id"]}
            for _ in range(self.rng.choice([0, 0, 1, 2]))
        ] + [
            {"date": self.day(0, 5), "service_id": self.rng.choice(services)["service_id"]}
            for _ in range(self.rng.choice([0, 0, 1, 2]))
        ]
        return _distinct(rows)

    def used(self, nodes: list[Document], capacity: list[Document]) -> list[Document]:
        """Take at most what leaves one over, but sometimes more than there is."""
        rng = self.rng
        rows = []
        for node in nodes:
            if node.get("shipments_per_day") or node.get("units_per_day"):
                for offset in range(5):
                    if self.chance(0.3):
                        row = {"node_id": node["node_id"], "date": self.day(offset, offset)}
                        most = max(1, (node.get("shipments_per_day") or 1) - 1) + (9 if self.chance(0.1) else 0)
                        self.some(row, shipments=(0.8, rng.randint(0, most)), units=(0.6, rng.randint(0, 2)))
                        rows.append(row)
        for limit in capacity:
            if self.chance(0.5):
                row = {"node_id": limit["node_id"], "service_id": limit["service_id"], "date": self.day(0, 3)}
                rows.append(self.some(row, shipments=(0.8, 1), units=(0.2, 1)))
        return _distinct(rows)


def _distinct(rows: list[Document]) -> list[Document]:
    seen: dict[tuple[Any, ...], Document] = {}
    for row in rows:
        seen.setdefault((row.get("node_id"), row.get("service_id"), row["date"]), row)
    return list(seen.values())
