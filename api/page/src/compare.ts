// Two plans side by side: figures, cost, maps, nodes, and the orders that changed.
import { get } from "./api";
import { certainty, figureTable } from "./compare-report";
import { card, fill, h } from "./dom";
import { count, dollars, signed, words } from "./format";
import { go } from "./state";
import type { ChangedOrder, Comparison, Figures, Move } from "./types";

interface NodeChange {
  node_id: string;
  was: number;
  now: number;
  change: number;
  cost: number;
}

export async function compare(main: HTMLElement, figures: Figures, baseline: Figures, failed: (error: unknown) => void): Promise<void> {
  const left = h("div", { class: "map small", id: "map-baseline" });
  const right = h("div", { class: "map small", id: "map-plan" });
  const terms = h("div", { class: "chart tall", id: "terms" });
  const nodes = h("div", { class: "table", id: "node-changes" });
  const changed = h("div", { class: "table", id: "changed" });
  const n = h("p", { class: "caption", role: "status" }, "Comparing the orders…");
  const sure = h("p", { class: "caption", id: "certainty" });
  const moved = h("div", { class: "table", id: "moved" });
  fill(
    main,
    h("div", { class: "halves" }, card("Key figures", {}, figureTable(figures, baseline), sure), card("Cost by term", {}, terms)),
    h("div", { class: "halves" }, card(`Load: ${baseline.name} (baseline)`, {}, left), card(`Load: ${figures.name}`, {}, right)),
    h("div", { class: "halves" }, card("Nodes that changed most", {}, nodes), card("Units that moved between nodes", {}, moved)),
    card("Orders that changed", {}, n, changed),
  );
  main.removeAttribute("aria-busy");
  const { drawMap, makeTable, termBars } = await import("./drawing");
  const most = Math.max(1, ...figures.nodes.map((node) => node.shipments), ...baseline.nodes.map((node) => node.shipments));
  drawMap(left, baseline, { layer: "load", node: null, most });
  drawMap(right, figures, { layer: "load", node: null, most });
  termBars(terms, [
    { name: figures.name, kpis: figures.kpis },
    { name: `${baseline.name} (baseline)`, kpis: baseline.kpis },
  ]);
  makeTable<NodeChange>(nodes, {
    label: "Nodes that changed most",
    index: "node_id",
    height: 300,
    rows: nodeChanges(figures, baseline),
    empty: "Every node ships as much as before.",
    chosen: (row) => go({ view: "orders", node: row.node_id }),
    columns: [
      { title: "Node", field: "node_id", show: (row) => row.node_id },
      { title: "Shipments before", field: "was", show: (row) => count(row.was), number: true },
      { title: "Now", field: "now", show: (row) => count(row.now), number: true },
      { title: "Change", field: "change", show: (row) => signed(row.change, count), number: true },
      { title: "Cost", field: "cost", show: (row) => signed(row.cost, dollars), number: true },
    ],
  });
  try {
    const path = `/v1/operations/${encodeURIComponent(figures.operation_id)}/comparison?baseline=${encodeURIComponent(baseline.operation_id)}`;
    const found = await get<Comparison>(path);
    fill(sure, certainty(figures, baseline, found.same_batch, found.certainty));
    const shown = found.orders.length < found.changed_orders ? `, the ${count(found.orders.length)} with the greatest difference` : "";
    fill(n, `${count(found.changed_orders)} orders are served differently${shown}.`);
    makeTable<Move & { pair: string }>(moved, {
      label: "Units that moved between nodes",
      index: "pair",
      height: 300,
      rows: found.moved.map((row) => ({ ...row, pair: `${row.from_node_id} ${row.to_node_id}` })),
      empty: "No unit moved.",
      columns: [
        { title: "From", field: "from_node_id", show: (row) => row.from_node_id },
        { title: "To", field: "to_node_id", show: (row) => row.to_node_id },
        { title: "Units", field: "units", show: (row) => count(row.units), number: true },
        { title: "Orders", field: "orders", show: (row) => count(row.orders), number: true },
        { title: "Value of goods", field: "value_cents", show: (row) => dollars(row.value_cents), number: true },
      ],
    });
    makeTable<ChangedOrder>(changed, {
      label: "Orders that changed",
      index: "order_id",
      height: 320,
      rows: found.orders,
      empty: "Every order is served as before.",
      chosen: (row) => go({ order: row.order_id }),
      columns: [
        { title: "Order", field: "order_id", show: (row) => row.order_id },
        { title: "What changed", field: "changes", show: (row) => row.changes, grow: 1.4 },
        { title: "Why", field: "why", show: (row) => (row.why ? words(row.why) : "–"), grow: 1.4 },
        { title: "From, baseline", field: "nodes_before", show: (row) => row.nodes_before || "–", grow: 1.3 },
        { title: "From, this plan", field: "nodes_after", show: (row) => row.nodes_after || "–", grow: 1.3 },
        { title: "Arrives", field: "delivered_after", show: (row) => row.delivered_after ?? "–", width: 100 },
        { title: "Cost", field: "difference_cents", show: (row) => signed(row.difference_cents, dollars), number: true, width: 110, mood: (row) => (row.difference_cents > 0 ? "bad" : row.difference_cents < 0 ? "good" : "") },
      ],
    });
  } catch (error) {
    failed(error);
  }
}

function nodeChanges(figures: Figures, baseline: Figures): NodeChange[] {
  const before = new Map(baseline.nodes.map((node) => [node.node_id, node]));
  const after = new Map(figures.nodes.map((node) => [node.node_id, node]));
  const all = [...new Set([...before.keys(), ...after.keys()])].map((id) => {
    const was = before.get(id)?.shipments ?? 0;
    const now = after.get(id)?.shipments ?? 0;
    return { node_id: id, was, now, change: now - was, cost: (after.get(id)?.cost_cents ?? 0) - (before.get(id)?.cost_cents ?? 0) };
  });
  return all.filter((row) => row.change !== 0 || row.cost !== 0).sort((a, b) => Math.abs(b.change) - Math.abs(a.change));
}
