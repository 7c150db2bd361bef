// What the service answers, as far as the page looks at it.

export interface Progress {
  stage: string;
  processed: number;
  total: number;
  objective_cents?: number | null;
  bound_cents?: number | null;
  gap?: number | null;
  name?: string;
  rule?: string;
  base?: string | null;
}

export interface Operation {
  operation_id: string;
  kind: string;
  state: "QUEUED" | "RUNNING" | "DONE" | "FAILED" | "CANCELLED";
  version: number;
  cancel_asked: boolean;
  progress: Progress | null;
  problem: Problem | null;
  created_at: string;
  updated_at: string;
  result: string | null;
}

export interface Problem {
  type?: string;
  title: string;
  status: number;
  detail: string;
  request_id?: string;
  errors?: { pointer: string; detail: string }[];
}

export interface Kpis {
  objective_cents: number;
  bound_cents: number;
  gap: number;
  termination: string;
  freight_cents: number;
  handling_cents: number;
  preference_cents: number;
  split_cents: number;
  late_cents: number;
  carbon_cents: number;
  unallocated_cents: number;
  orders: number;
  orders_held: number;
  orders_shipped: number;
  orders_complete: number;
  orders_split: number;
  units: number;
  units_shipped: number;
  shipments: number;
  late_shipments: number;
  shipment_km: number;
  carbon_g: number;
  cost_per_order_cents: number | null;
  fill_rate: number | null;
  split_rate: number | null;
  on_time_rate: number | null;
}

export interface NodeRow {
  node_id: string;
  kind: string;
  lat: number;
  lon: number;
  offline: boolean;
  shipments: number;
  units: number;
  orders: number;
  shipments_bp: number | null;
  units_bp: number | null;
  cost_cents: number;
  price_max_cents: number;
}

export interface Flow {
  node_id: string;
  node_lat: number;
  node_lon: number;
  cell_lat: number;
  cell_lon: number;
  shipments: number;
  units: number;
  cost_cents: number;
}

export interface Price {
  kind: string;
  node_id: string;
  sku: string | null;
  service_id: string | null;
  date: string | null;
  cents: number;
  node_lat: number | null;
  node_lon: number | null;
}

export interface TracePoint {
  seconds: number | null;
  phase: string;
  objective_cents: number | null;
  bound_cents: number | null;
}

export interface Figures {
  operation_id: string;
  name: string;
  about: { rule?: string; base?: string | null; scenario?: { edits?: Record<string, unknown>[] } | null };
  as_of: string;
  summary: { termination: string; seed: number; seconds: Record<string, number> };
  kpis: Kpis;
  nodes: NodeRow[];
  flows: Flow[];
  flow_totals: { flows: number; shipments: number; flows_shown: number; shipments_shown: number };
  prices: Price[];
  services: { service_id: string; shipments: number; cost_cents: number }[];
  reasons: { reason: string; units: number; lines: number; cost_cents: number }[];
  trace: TracePoint[];
}

export interface OrderRow {
  order_id: string;
  region: string | null;
  state: string;
  nodes: string;
  services: string;
  lines: number;
  units: number;
  units_left: number;
  shipments: number;
  ship_date: string | null;
  deliver_date: string | null;
  deliver_by: string | null;
  days_late: number | null;
  distance_km: number | null;
  cost_cents: number;
  reason: string | null;
}

export interface OrdersPage {
  total: number;
  page: number;
  pages: number;
  orders: OrderRow[];
}

export interface Shipment {
  shipment_id: string;
  node_id: string;
  service_id: string;
  ship_date: string;
  deliver_date: string;
  zone: string;
  distance_km: number;
  weight_g: number;
  [cents: string]: string | number;
}

export interface OrderDetail {
  order: OrderRow & { lat: number; lon: number; hard_promise: boolean; priority_pct: number };
  lines: { line_id: string; sku: string; quantity: number }[];
  shipments: Shipment[];
  allocations: { line_id: string; sku: string; node_id: string; quantity: number }[];
  unallocated: { line_id: string; sku: string; quantity: number; reason: string; unallocated_cents: number }[];
}

export interface ChangedOrder {
  order_id: string;
  changes: string;
  why: string;
  nodes_before: string | null;
  nodes_after: string | null;
  units_before: number | null;
  units_after: number | null;
  delivered_after: string | null;
  difference_cents: number;
}

export interface Certainty {
  difference_cents: number;
  low_cents: number;
  high_cents: number;
}

export interface Move {
  from_node_id: string;
  to_node_id: string;
  units: number;
  value_cents: number;
  orders: number;
}

export interface Comparison {
  baseline: string;
  same_batch: boolean;
  certainty: Certainty;
  changed_orders: number;
  orders: ChangedOrder[];
  moved: Move[];
}
