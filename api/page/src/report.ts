// The same figures as one file: nothing is asked for, everything is in it.
import "./style.css";
import { convergence, termBars } from "./charts";
import { compare } from "./compare-report";
import { byId, card, fill, h } from "./dom";
import { basisPoints, count, dollars, percent, seconds, words } from "./format";
import { tiles } from "./kpis";
import { drawMap, type Layer, mapCaption, priceName } from "./map";
import { plainTable } from "./tables-plain";
import type { Certainty, Figures } from "./types";

interface Report {
  figures: Figures;
  baseline: Figures | null;
  comparison: { same_batch: boolean; certainty: Certainty } | null;
  made_by: string;
}

const MOST_NODES = 25;
const { figures, baseline, comparison, made_by: maker } = JSON.parse(byId("data").textContent ?? "") as Report;

function network(): HTMLElement {
  const map = h("div", { class: "map", id: "map" });
  const caption = h("p", { class: "caption" });
  const choice = h("div", { class: "segments", role: "group", "aria-label": "What the map shows" });
  const show = (layer: Layer) => {
    const outside = drawMap(map, figures, { layer, node: null });
    fill(caption, mapCaption(figures, layer), outside ? ` ${count(outside)} nodes lie outside of the map.` : "");
    const layers: Layer[] = ["load", "flows", "prices"];
    fill(choice, ...layers.map((name) => h("button", { type: "button", "aria-pressed": String(name === layer), onclick: () => show(name) }, name)));
  };
  requestAnimationFrame(() => show("load"));
  return card("Network", { class: "card network" }, choice, map, caption);
}

function nodes(): HTMLElement {
  const sorted = [...figures.nodes].sort((a, b) => b.shipments - a.shipments);
  const rows = sorted.slice(0, MOST_NODES).map((node) => [
    node.node_id,
    node.kind,
    count(node.orders),
    count(node.shipments),
    count(node.units),
    basisPoints(node.shipments_bp),
    basisPoints(node.units_bp),
    dollars(node.cost_cents),
    node.price_max_cents ? dollars(node.price_max_cents) : "–",
  ]);
  const headings = ["Node", "Kind", "Orders", "Shipments", "Units", "Shipments used", "Units used", "Cost", "Highest price"];
  const more = sorted.length > rows.length ? `The ${rows.length} of ${count(sorted.length)} nodes with most shipments.` : "All nodes.";
  return card("Nodes", {}, plainTable("Nodes", headings, rows, [2, 3, 4, 5, 6, 7, 8]), h("p", { class: "caption" }, more));
}

function prices(): HTMLElement {
  const rows = [...figures.prices].sort((a, b) => b.cents - a.cents).map((price) => [priceName(price), words(price.kind), dollars(price.cents)]);
  const title = "Where one unit more would save most";
  if (!rows.length) return card(title, {}, h("p", { class: "quiet" }, "No resource is short: nothing has a price."));
  return card(title, {}, plainTable(title, ["Resource", "Kind", "Saves"], rows.slice(0, 20), [2]));
}

function search(): HTMLElement {
  const chart = h("div", { class: "chart", id: "convergence" });
  const { kpis, summary } = figures;
  const total = summary.seconds?.["total"];
  requestAnimationFrame(() => convergence(chart, figures.trace));
  const text = `Ended ${words(kpis.termination)}${total === undefined ? "" : ` after ${seconds(total)}`}: ${dollars(kpis.objective_cents)}, and no plan costs less than ${dollars(kpis.bound_cents)} (gap ${percent(kpis.gap, 2)}).`;
  return card("Search: objective and bound", {}, figures.trace.length ? chart : null, h("p", { class: "caption" }, text));
}

function cost(): HTMLElement {
  const chart = h("div", { class: "chart", id: "terms" });
  const plans = [{ name: figures.name, kpis: figures.kpis }];
  if (baseline) plans.push({ name: baseline.name, kpis: baseline.kpis });
  requestAnimationFrame(() => termBars(chart, plans));
  const parts = figures.reasons.map((row) => `${words(row.reason)} ${count(row.units)}`);
  const left = parts.length ? `Units not allocated, by reason: ${parts.join(", ")}.` : "Every unit is allocated.";
  return card("Cost by term", {}, chart, h("p", { class: "caption" }, left));
}

document.title = `${figures.name} · nodewise`;
fill(
  byId("main"),
  h("header", { class: "title" }, h("h1", {}, figures.name), h("p", { class: "quiet" }, `${count(figures.kpis.orders)} orders as of ${figures.as_of.replace("T", " ")}${baseline ? `; differences are against “${baseline.name}”` : ""}. ${maker}`)),
  tiles(figures, baseline),
  network(),
  h("div", { class: "halves" }, search(), cost()),
  baseline && comparison ? compare(figures, baseline, comparison.same_batch, comparison.certainty) : null,
  h("div", { class: "wide evenly" }, nodes(), prices()),
);
