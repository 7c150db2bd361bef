// One plan at a glance: tiles, the network on its map, nodes, search, cost, prices.
import { card, fill, h } from "./dom";
import { basisPoints, count, dollars, percent, seconds, shortDollars, words } from "./format";
import { tiles } from "./kpis";
import type { Layer } from "./map";
import { go } from "./state";
import type { Figures, NodeRow } from "./types";

const LAYERS: [Layer, string][] = [
  ["load", "Load"],
  ["flows", "Flows"],
  ["prices", "Prices"],
];
let layer: Layer = "load";

const drawing = () => import("./drawing");

export async function overview(main: HTMLElement, figures: Figures, baseline: Figures | null, node: string | null): Promise<void> {
  const map = h("div", { class: "map", id: "map" });
  const caption = h("p", { class: "caption" });
  const nodes = h("div", { class: "table", id: "nodes" });
  const search = h("div", { class: "chart", id: "convergence" });
  const terms = h("div", { class: "chart", id: "terms" });
  const chosen = h("div", { class: "chosen" });
  const choice = h("div", { class: "segments", role: "group", "aria-label": "What the map shows" });
  let marked = node;

  async function redraw(): Promise<void> {
    const { drawMap, mapCaption } = await drawing();
    const outside = drawMap(map, figures, { layer, node: marked, chosen: choose });
    fill(caption, mapCaption(figures, layer, marked), outside ? ` ${count(outside)} nodes lie outside of the map.` : "");
    const buttons = LAYERS.map(([name, text]) =>
      h("button", { type: "button", "aria-pressed": String(name === layer), onclick: () => { layer = name; void redraw(); } }, text),
    );
    const had = choice.contains(document.activeElement);
    fill(choice, ...buttons);
    if (had) (choice.querySelector('[aria-pressed="true"]') as HTMLElement).focus();
    fill(chosen, ...about(figures.nodes.find((row) => row.node_id === marked) ?? null));
  }

  function choose(name: string): void {
    marked = marked === name ? null : name;
    go({ node: marked });
    void redraw();
  }

  fill(
    main,
    tiles(figures, baseline),
    h(
      "div",
      { class: "wide" },
      card("Network", { class: "card network" }, choice, map, caption),
      card("Nodes", { class: "card nodes" }, chosen, nodes),
    ),
    h(
      "div",
      { class: "thirds" },
      card("Search: objective and bound", {}, search, searchLine(figures)),
      card("Cost by term", {}, terms, left(figures)),
      card("Where one unit more would save most", {}, prices(figures)),
    ),
  );
  main.removeAttribute("aria-busy");
  performance.mark("nodewise-useful");

  const { convergence, makeTable, termBars } = await drawing();
  await redraw();
  convergence(search, figures.trace);
  const plans = [{ name: figures.name, kpis: figures.kpis }];
  if (baseline) plans.push({ name: baseline.name, kpis: baseline.kpis });
  termBars(terms, plans);
  makeTable<NodeRow>(nodes, {
    label: "Nodes",
    index: "node_id",
    height: 320,
    rows: figures.nodes,
    sort: [{ column: "shipments", dir: "desc" }],
    empty: "The batch has no nodes.",
    chosen: (row) => choose(row.node_id),
    columns: [
      { title: "Node", field: "node_id", show: (row) => row.node_id, grow: 1.3 },
      { title: "Kind", field: "kind", show: (row) => row.kind, width: 60 },
      { title: "Shipments", field: "shipments", show: (row) => count(row.shipments), number: true, width: 96 },
      { title: "Used", field: "shipments_bp", show: (row) => basisPoints(row.shipments_bp), number: true, width: 66, mood: (row) => full(row.shipments_bp) },
      { title: "Cost", field: "cost_cents", show: (row) => shortDollars(row.cost_cents), number: true, width: 76 },
      { title: "Price", field: "price_max_cents", show: (row) => (row.price_max_cents ? dollars(row.price_max_cents) : "–"), number: true, width: 72 },
    ],
  });
  performance.mark("nodewise-complete");
}

function full(bp: number | null): string {
  return bp === null ? "" : bp >= 9500 ? "hot" : bp >= 7500 ? "warm" : "";
}

function about(node: NodeRow | null): (Node | string)[] {
  if (!node) return [h("p", { class: "quiet" }, "Choose a node here or on the map to see its flows and orders.")];
  return [
    h("p", {}, h("b", {}, node.node_id), ` ${node.kind}: ${count(node.orders)} orders, ${count(node.shipments)} shipments, ${count(node.units)} units`),
    h("button", { type: "button", class: "small", onclick: () => go({ view: "orders", node: node.node_id }) }, "Its orders"),
  ];
}

function searchLine(figures: Figures): HTMLElement {
  const { kpis, summary } = figures;
  const total = summary.seconds?.["total"];
  return h(
    "p",
    { class: "caption" },
    `Ended ${words(kpis.termination)}${total === undefined ? "" : ` after ${seconds(total)}`}: ${dollars(kpis.objective_cents)}, and no plan costs less than ${dollars(kpis.bound_cents)} (gap ${percent(kpis.gap, 2)}).`,
  );
}

function left(figures: Figures): HTMLElement {
  if (!figures.reasons.length) return h("p", { class: "caption" }, "Every unit is allocated.");
  const parts = figures.reasons.map((row) => `${words(row.reason)} ${count(row.units)}`);
  return h("p", { class: "caption" }, `Units not allocated, by reason: ${parts.join(", ")}.`);
}

function prices(figures: Figures): HTMLElement {
  const shown = [...figures.prices].sort((a, b) => b.cents - a.cents).slice(0, 9);
  if (!shown.length) return h("p", { class: "quiet" }, "No resource is short: nothing has a price.");
  const most = shown[0]!.cents;
  const lines = shown.map((price) => {
    const what = price.kind === "stock" ? `${price.sku}` : words(price.kind);
    const when = [price.service_id, price.date].filter(Boolean).join(", ");
    return h(
      "li",
      {},
      h("span", { class: "bar", style: `--share:${Math.round((100 * price.cents) / most)}%` }),
      h("span", { class: "what" }, h("b", {}, price.node_id), ` ${what}${when ? `, ${when}` : ""}`),
      h("span", { class: "number" }, dollars(price.cents)),
    );
  });
  return h("ol", { class: "prices" }, ...lines);
}
