"""Numbered migrations: each is written once for both databases and never edited after a release.

``{text}``, ``{int}`` and ``{blob}`` become the database's types; ``{compact}`` marks tables of small rows that
SQLite keeps in the key's own tree.
"""

from __future__ import annotations

_LEDGER = """
CREATE TABLE tenants (
    tenant {text} NOT NULL PRIMARY KEY,
    last_entry {int} NOT NULL CHECK (last_entry >= 0),
    last_event {int} NOT NULL CHECK (last_event >= 0),
    network_version {int} NOT NULL CHECK (network_version >= 0)
) {busy};
CREATE TABLE networks (
    tenant {text} NOT NULL,
    version {int} NOT NULL,
    document {blob} NOT NULL,
    created_ms {int} NOT NULL,
    PRIMARY KEY (tenant, version)
) {strict};
CREATE TABLE limits (
    tenant {text} NOT NULL,
    node_id {text} NOT NULL,
    service_id {text} NOT NULL,
    shipments {int} CHECK (shipments >= 0),
    units {int} CHECK (units >= 0),
    PRIMARY KEY (tenant, node_id, service_id)
) {compact};
CREATE TABLE stock (
    tenant {text} NOT NULL,
    node_id {text} NOT NULL,
    sku {text} NOT NULL,
    available_on {text} NOT NULL,
    on_hand {int} NOT NULL CHECK (on_hand >= 0),
    external {int} NOT NULL CHECK (external >= 0),
    safety {int} NOT NULL CHECK (safety >= 0),
    held {int} NOT NULL CHECK (held >= 0),
    owed {int} NOT NULL CHECK (owed >= 0 AND (owed = 0 OR on_hand = 0)),
    version {int} NOT NULL CHECK (version >= 1),
    source {text} NOT NULL,
    sequence {int} NOT NULL,
    delta_sequence {int} NOT NULL,
    PRIMARY KEY (tenant, node_id, sku, available_on)
) {busy};
CREATE INDEX stock_of_sku ON stock (tenant, sku, node_id);
CREATE TABLE booked (
    tenant {text} NOT NULL,
    node_id {text} NOT NULL,
    sku {text} NOT NULL,
    ship_date {text} NOT NULL,
    units {int} NOT NULL CHECK (units >= 0),
    PRIMARY KEY (tenant, node_id, sku, ship_date)
) {busy};
CREATE TABLE feed (
    tenant {text} NOT NULL,
    node_id {text} NOT NULL,
    sku {text} NOT NULL,
    available_on {text} NOT NULL,
    source {text} NOT NULL,
    sequence {int} NOT NULL,
    delta {int} NOT NULL,
    PRIMARY KEY (tenant, node_id, sku, available_on, source, sequence)
) {compact};
CREATE TABLE capacity (
    tenant {text} NOT NULL,
    node_id {text} NOT NULL,
    ship_date {text} NOT NULL,
    service_id {text} NOT NULL,
    shipments {int} NOT NULL CHECK (shipments >= 0),
    units {int} NOT NULL CHECK (units >= 0),
    PRIMARY KEY (tenant, node_id, ship_date, service_id)
) {busy};
CREATE TABLE reservations (
    tenant {text} NOT NULL,
    reservation_id {text} NOT NULL,
    order_id {text} NOT NULL,
    state {text} NOT NULL CHECK (state IN ('HELD', 'CONFIRMED', 'FULFILLED', 'RELEASED', 'EXPIRED')),
    version {int} NOT NULL CHECK (version >= 1),
    expires_ms {int},
    created_ms {int} NOT NULL,
    PRIMARY KEY (tenant, reservation_id)
) {compact};
CREATE INDEX reservations_of_order ON reservations (tenant, order_id);
CREATE INDEX reservations_due ON reservations (expires_ms) WHERE state = 'HELD' AND expires_ms IS NOT NULL;
CREATE TABLE positions (
    tenant {text} NOT NULL,
    reservation_id {text} NOT NULL,
    position {int} NOT NULL,
    node_id {text} NOT NULL,
    sku {text} NOT NULL,
    ship_date {text} NOT NULL,
    quantity {int} NOT NULL CHECK (quantity >= 1),
    line_id {text},
    shipment_id {text},
    service_id {text},
    open {int} NOT NULL CHECK (open >= 0),
    fulfilled {int} NOT NULL CHECK (fulfilled >= 0 AND open + fulfilled <= quantity),
    PRIMARY KEY (tenant, reservation_id, position)
) {compact};
CREATE INDEX positions_of_stock ON positions (tenant, node_id, sku) WHERE open > 0;
CREATE TABLE orders (
    tenant {text} NOT NULL,
    order_id {text} NOT NULL,
    state {text} NOT NULL CHECK (state IN ('OPEN', 'CANCELLED')),
    version {int} NOT NULL CHECK (version >= 1),
    document {blob},
    updated_ms {int} NOT NULL,
    PRIMARY KEY (tenant, order_id)
) {strict};
CREATE TABLE entries (
    tenant {text} NOT NULL,
    entry {int} NOT NULL,
    at_ms {int} NOT NULL,
    kind {text} NOT NULL,
    debit {text} NOT NULL,
    credit {text} NOT NULL CHECK (credit <> debit),
    node_id {text} NOT NULL,
    item {text} NOT NULL,
    day {text} NOT NULL,
    quantity {int} NOT NULL CHECK (quantity >= 1),
    order_id {text},
    reservation_id {text},
    reason_code {text},
    reference {text},
    PRIMARY KEY (tenant, entry)
) {compact};
CREATE TABLE outbox (
    tenant {text} NOT NULL,
    event {int} NOT NULL,
    at_ms {int} NOT NULL,
    type {text} NOT NULL,
    subject {text} NOT NULL,
    order_id {text},
    data {blob} NOT NULL,
    PRIMARY KEY (tenant, event)
) {compact};
CREATE TABLE idempotency (
    tenant {text} NOT NULL,
    route {text} NOT NULL,
    key {text} NOT NULL,
    body_hash {text} NOT NULL,
    owner {text} NOT NULL,
    lease_until_ms {int} NOT NULL,
    status {int},
    headers {blob},
    body {blob},
    created_ms {int} NOT NULL,
    PRIMARY KEY (tenant, route, key)
) {strict};
CREATE TABLE operations (
    tenant {text} NOT NULL,
    operation_id {text} NOT NULL,
    kind {text} NOT NULL,
    state {text} NOT NULL CHECK (state IN ('QUEUED', 'RUNNING', 'DONE', 'FAILED', 'CANCELLED')),
    version {int} NOT NULL,
    request {blob} NOT NULL,
    progress {blob},
    problem {blob},
    cancel_asked {int} NOT NULL,
    owner {text},
    lease_until_ms {int},
    attempts {int} NOT NULL,
    created_ms {int} NOT NULL,
    updated_ms {int} NOT NULL,
    PRIMARY KEY (tenant, operation_id)
) {strict};
CREATE INDEX operations_alive ON operations (created_ms) WHERE state IN ('QUEUED', 'RUNNING');
CREATE TABLE results (
    tenant {text} NOT NULL,
    operation_id {text} NOT NULL,
    name {text} NOT NULL,
    data {blob} NOT NULL,
    PRIMARY KEY (tenant, operation_id, name)
) {strict};
CREATE TABLE webhooks (
    tenant {text} NOT NULL,
    webhook_id {text} NOT NULL,
    url {text} NOT NULL,
    secret {text} NOT NULL,
    event_types {text} NOT NULL,
    last_event {int} NOT NULL,
    failures {int} NOT NULL,
    next_attempt_ms {int} NOT NULL,
    owner {text},
    lease_until_ms {int} NOT NULL,
    created_ms {int} NOT NULL,
    PRIMARY KEY (tenant, webhook_id)
) {strict};
CREATE TABLE api_keys (
    tenant {text} NOT NULL,
    key_id {text} NOT NULL,
    key_hash {text} NOT NULL UNIQUE,
    scopes {text} NOT NULL,
    created_ms {int} NOT NULL,
    revoked_ms {int},
    PRIMARY KEY (tenant, key_id)
) {strict};
"""

_FORGETTING = """
ALTER TABLE tenants ADD COLUMN forgotten_events {int} NOT NULL DEFAULT 0 CHECK (forgotten_events >= 0)
"""

MIGRATIONS: tuple[str, ...] = (_LEDGER, _FORGETTING)
"""Migration n (from 1) is number n - 1 here."""
