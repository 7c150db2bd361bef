"""The columns of every table that goes in or comes out: one declaration drives CSV, Parquet and JSON."""

from __future__ import annotations

from engine.kinds import INT_MAX, MAX_TEXT, OUTPUT_INT_MAX, Column, Kind, TableSchema


def _text(name: str, required: bool = False) -> Column:
    return Column(name=name, kind="text", required=required, max_length=MAX_TEXT)


def _ref(name: str, table: str, required: bool = True) -> Column:
    column = "sku" if table == "items" else table[:-1] + "_id"
    return Column(name=name, kind="text", required=required, max_length=MAX_TEXT, refers_to=(table, column))


def _int(name: str, default: int | None = None, low: int = 0, required: bool = False) -> Column:
    return Column(name=name, kind="int", required=required, default=default, low=low, high=INT_MAX)


def _number(
    name: str,
    low: float | None = None,
    high: float | None = None,
    above: float | None = None,
    required: bool = True,
) -> Column:
    return Column(name=name, kind="number", required=required, low=low, high=high, above=above)


def _bool(name: str, default: bool) -> Column:
    return Column(name=name, kind="bool", default=default)


def _date(name: str, required: bool = False) -> Column:
    return Column(name=name, kind="date", required=required)


def _words(name: str, refers_to: tuple[str, str] | None = None) -> Column:
    return Column(name=name, kind="words", default="", refers_to=refers_to)


def _mask(name: str, default: str) -> Column:
    return Column(name=name, kind="mask", default=default)


_LAT = _number("lat", -90, 90)
_LON = _number("lon", -180, 180)
_NODE = _ref("node_id", "nodes")
_SERVICE = _ref("service_id", "services")

POLICY = TableSchema(
    name="policy",
    columns=(
        Column(name="as_of", kind="datetime", required=True),
        _int("horizon_days", 1, low=1),
        _int("max_shipments", 2),
        _bool("allow_line_split", False),
        _int("split_cents", 0),
        _int("late_cents_per_day", 500),
        _int("unallocated_cents", 1000),
        _int("unallocated_value_bp", 5000),
        _number("max_distance_km", above=0, required=False),
        _int("dim_cm3_per_kg", 5000, low=1),
        _int("carbon_cents_per_kg", 0),
    ),
)

_INPUT = (
    TableSchema(
        name="nodes",
        key=("node_id",),
        columns=(
            Column(name="node_id", kind="word", required=True, max_length=MAX_TEXT),
            Column(name="kind", kind="choice", required=True, choices=("dc", "store", "3pl", "vendor")),
            _LAT,
            _LON,
            _int("shipments_per_day"),
            _int("units_per_day"),
            _int("shipment_cents", 0),
            _int("line_cents", 0),
            _int("unit_cents", 0),
            _int("preference_cents", 0, low=-INT_MAX),
            _int("ready_minutes", 0),
            Column(name="cutoff", kind="cutoff", default="17:00"),
            Column(name="timezone", kind="timezone", default="UTC"),
            _mask("working_days", "1111100"),
            _bool("offline", False),
            _words("capabilities"),
        ),
    ),
    TableSchema(
        name="stock",
        key=("node_id", "sku", "available_on"),
        columns=(
            _NODE,
            _ref("sku", "items"),
            _int("on_hand", required=True),
            _int("reserved", 0),
            _int("safety_stock", 0),
            _date("available_on"),
        ),
    ),
    TableSchema(
        name="items",
        key=("sku",),
        columns=(
            _text("sku", required=True),
            _int("weight_g", low=1, required=True),
            _int("volume_cm3", 0),
            _int("value_cents", 0),
            _words("requires"),
        ),
    ),
    TableSchema(
        name="services",
        key=("service_id",),
        columns=(
            _text("service_id", required=True),
            _text("carrier", required=True),
            _int("fuel_bp", 0),
            _int("residential_cents", 0),
            _mask("delivery_days", "1111110"),
            _words("capabilities"),
            _int("carbon_g_per_tonne_km", 0),
        ),
    ),
    TableSchema(
        name="bands",
        key=("service_id", "max_km"),
        optional=True,
        columns=(
            _SERVICE,
            _number("max_km", above=0),
            _text("zone", required=True),
            _int("transit_days", required=True),
        ),
    ),
    TableSchema(
        name="lanes",
        key=("node_id", "region", "service_id"),
        optional=True,
        columns=(
            _NODE,
            _text("region", required=True),
            _SERVICE,
            _text("zone", required=True),
            _int("transit_days", required=True),
        ),
    ),
    TableSchema(
        name="rates",
        key=("service_id", "zone", "max_weight_g"),
        columns=(
            _SERVICE,
            _text("zone", required=True),
            _int("max_weight_g", low=1, required=True),
            _int("cents", required=True),
        ),
    ),
    TableSchema(
        name="service_capacity",
        key=("node_id", "service_id"),
        optional=True,
        columns=(_NODE, _SERVICE, _int("shipments_per_day", required=True)),
    ),
    TableSchema(
        name="closures",
        key=("date", "node_id", "service_id"),
        optional=True,
        one_of=("node_id", "service_id"),
        columns=(
            _date("date", required=True),
            _ref("node_id", "nodes", required=False),
            _ref("service_id", "services", required=False),
        ),
    ),
    TableSchema(
        name="used",
        key=("node_id", "service_id", "date"),
        optional=True,
        columns=(
            _NODE,
            _ref("service_id", "services", required=False),
            _date("date", required=True),
            _int("shipments", 0),
            _int("units", 0),
        ),
    ),
    TableSchema(
        name="orders",
        key=("order_id",),
        columns=(
            _text("order_id", required=True),
            _LAT,
            _LON,
            _text("region"),
            _bool("residential", True),
            _date("deliver_by"),
            _bool("hard_promise", False),
            _int("late_cents_per_day"),
            _int("priority_pct", 100),
            _bool("ship_complete", False),
            _int("max_shipments"),
            _words("only_nodes", ("nodes", "node_id")),
            _words("not_nodes", ("nodes", "node_id")),
            _bool("held", False),
        ),
    ),
    TableSchema(
        name="lines",
        key=("order_id", "line_id"),
        columns=(
            _ref("order_id", "orders"),
            _text("line_id", required=True),
            _ref("sku", "items"),
            _int("quantity", low=1, required=True),
            _int("unallocated_cents"),
            _text("ship_together"),
        ),
    ),
)


def _out(name: str, kind: Kind, required: bool = True) -> Column:
    limit = OUTPUT_INT_MAX if kind == "int" else None
    return Column(name=name, kind=kind, required=required, low=None if limit is None else -limit, high=limit)


def _outs(kind: Kind, names: str, required: bool = True) -> tuple[Column, ...]:
    return tuple(_out(name, kind, required) for name in names.split())


_OUTPUT = (
    TableSchema(
        name="shipments",
        columns=(
            *_outs("text", "shipment_id order_id node_id service_id"),
            *_outs("date", "ship_date deliver_date"),
            _out("zone", "text"),
            _out("distance_km", "number"),
            *_outs("int", "weight_g freight_cents handling_cents preference_cents split_cents late_cents"),
            _out("carbon_cents", "int"),
        ),
    ),
    TableSchema(
        name="allocations",
        columns=(
            *_outs("text", "order_id line_id sku node_id shipment_id"),
            _out("quantity", "int"),
        ),
    ),
    TableSchema(
        name="unallocated",
        columns=(
            *_outs("text", "order_id line_id sku"),
            _out("quantity", "int"),
            _out("reason", "text"),
            _out("unallocated_cents", "int"),
        ),
    ),
    TableSchema(
        name="prices",
        columns=(
            _out("kind", "text"),
            *_outs("text", "node_id sku service_id", required=False),
            _out("date", "date", required=False),
            _out("cents", "number"),
        ),
    ),
)

INPUT_TABLES: dict[str, TableSchema] = {table.name: table for table in _INPUT}
OUTPUT_TABLES: dict[str, TableSchema] = {table.name: table for table in _OUTPUT}
