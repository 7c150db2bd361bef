// One order beside the plan: how it is served, and why so.
import { get } from "./api";
import { byId, fill, h } from "./dom";
import { count, dollars, signed, words } from "./format";
import { moodOfState, stateText } from "./orders";
import { go } from "./state";
import type { OrderDetail, Shipment } from "./types";

interface Rival {
  node_id: string;
  option: { shipments: Shipment[] } | null;
  difference: Record<string, number>;
  difference_cents: number;
  price_difference_cents: number;
  obstacles: { line_id: string | null; reason: string; detail: string }[];
}

interface Explanation {
  order_id: string;
  terms: Record<string, number>;
  objective_cents: number;
  price_cents: number;
  prices: { kind: string; node_id: string; sku: string | null; service_id: string | null; date: string | null; cents: number; amount: number }[];
  rivals: Rival[];
  holders: { node_id: string; sku: string; units: number; n_orders: number; order_ids: string[] }[];
}

const term = (name: string) => words(name.replace(/_cents$/, ""));
let opener: Element | null = null;

export function closeOrder(): void {
  const drawer = byId("drawer");
  if (drawer.hidden) return;
  drawer.hidden = true;
  fill(drawer);
  if (opener instanceof HTMLElement && opener.isConnected) opener.focus();
}

export async function showOrder(plan: string, id: string): Promise<void> {
  const drawer = byId("drawer");
  if (drawer.hidden) opener = document.activeElement;
  const close = h("button", { type: "button", class: "close", "aria-label": "Close", onclick: () => go({ order: null }) }, "×");
  const body = h("div", { class: "body" }, h("p", { class: "quiet", role: "status" }, "Loading…"));
  fill(drawer, h("aside", { role: "dialog", "aria-label": `Order ${id}` }, h("header", {}, h("h2", {}, `Order ${id}`), close), body));
  drawer.hidden = false;
  close.focus();
  const path = `/v1/operations/${encodeURIComponent(plan)}/orders/${encodeURIComponent(id)}`;
  try {
    const found = await get<OrderDetail>(path);
    const why = h("div", { id: "why" }, h("p", { class: "quiet", role: "status" }, "Comparing with every other node…"));
    fill(body, ...served(found), h("h3", {}, "Why so"), why);
    fill(why, ...reasons(await get<Explanation>(`${path}/explanation`)));
  } catch (error) {
    fill(body, h("p", { class: "bad", role: "alert" }, `${(error as Error).message} `), h("button", { type: "button", onclick: () => void showOrder(plan, id) }, "Try again"));
  }
}

function served({ order, lines, shipments, allocations, unallocated }: OrderDetail): Node[] {
  const facts: [string, string][] = [
    ["Goes to", `${order.region ?? ""} ${order.lat.toFixed(2)}, ${order.lon.toFixed(2)}`.trim()],
    ["Promised", order.deliver_by ? `${order.deliver_by}${order.hard_promise ? ", firmly" : ""}` : "no date"],
    ["Asked for", lines.map((line) => `${count(line.quantity)} × ${line.sku}`).join(", ")],
    ["Cost", dollars(order.cost_cents)],
  ];
  const nodes: Node[] = [
    h("p", {}, h("span", { class: `state ${moodOfState(order.state)}` }, stateText(order))),
    h("dl", { class: "facts" }, ...facts.flatMap(([name, text]) => [h("dt", {}, name), h("dd", {}, text)])),
  ];
  for (const shipment of shipments) {
    const parts = allocations.filter((row) => row["shipment_id" as never] === shipment.shipment_id);
    const costs = Object.entries(shipment).filter(([name, cents]) => name.endsWith("_cents") && cents !== 0);
    nodes.push(
      h(
        "div",
        { class: "shipment" },
        h("p", {}, h("b", {}, shipment.node_id), ` by ${shipment.service_id}, zone ${shipment.zone}: ${parts.map((part) => `${count(part.quantity)} × ${part.sku}`).join(", ")}`),
        h("p", { class: "quiet" }, `ships ${shipment.ship_date}, arrives ${shipment.deliver_date}, ${count(shipment.distance_km)} km, ${count(shipment.weight_g)} g billable`),
        h("p", {}, costs.map(([name, cents]) => `${term(name)} ${dollars(Number(cents))}`).join(" + ") || "at no cost"),
      ),
    );
  }
  for (const row of unallocated) {
    nodes.push(h("p", { class: "shipment" }, `Not allocated: ${count(row.quantity)} × ${row.sku}, ${words(row.reason)}, counted as ${dollars(row.unallocated_cents)}`));
  }
  return nodes;
}

function reasons(found: Explanation): Node[] {
  const able = found.rivals.filter((rival) => rival.option !== null);
  const unable = found.rivals.filter((rival) => rival.option === null);
  const nodes: Node[] = [];
  if (found.prices.length) {
    const parts = found.prices.map((price) => {
      const what = price.kind === "stock" ? price.sku : words(price.kind);
      return `${what} at ${price.node_id} ${dollars(price.cents)}${price.amount > 1 ? ` × ${price.amount}` : ""}`;
    });
    nodes.push(h("p", {}, `What it takes is worth ${dollars(Math.round(found.price_cents))} to others: ${parts.join(", ")}.`));
  } else {
    nodes.push(h("p", {}, "What it takes is not short: no other order would pay for it."));
  }
  if (able.length) {
    nodes.push(
      h(
        "table",
        { class: "plain rivals", "aria-label": "Other nodes that could serve it" },
        h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Instead from"), h("th", { scope: "col", class: "number" }, "Cost"), h("th", { scope: "col", class: "number" }, "Worth of stock, capacity"), h("th", { scope: "col" }, "Because"))),
        h("tbody", {}, ...able.slice(0, 12).map(rivalRow)),
      ),
    );
  } else {
    nodes.push(h("p", {}, "No other node could serve it as things are."));
  }
  if (unable.length) {
    const lines = unable.map((rival) => {
      const holder = found.holders.find((row) => row.node_id === rival.node_id);
      const why = [...new Set(rival.obstacles.map((one) => one.detail || words(one.reason)))].join("; ");
      const held = holder ? ` ${count(holder.units)} × ${holder.sku} there go to ${holder.order_ids.slice(0, 4).join(", ")}${holder.n_orders > 4 ? ` and ${count(holder.n_orders - 4)} more` : ""}.` : "";
      return h("li", {}, h("b", {}, rival.node_id), ` cannot: ${why}.${held}`);
    });
    nodes.push(
      h("details", { open: able.length === 0 }, h("summary", {}, `${count(unable.length)} ${unable.length === 1 ? "node has" : "nodes have"} the items listed, but cannot`), h("ul", {}, ...lines.slice(0, 60))),
    );
  }
  return nodes;
}

function rivalRow(rival: Rival): HTMLElement {
  const parts = Object.entries(rival.difference)
    .filter(([, cents]) => cents !== 0)
    .map(([name, cents]) => `${term(name)} ${signed(cents, dollars)}`);
  const all = rival.option!.shipments.map((row) => row.node_id);
  const from = all.length > 1 ? `${rival.node_id} with ${all.filter((name) => name !== rival.node_id).join(", ") || "itself"}` : rival.node_id;
  const worth = Math.round(rival.price_difference_cents);
  return h(
    "tr",
    {},
    h("td", {}, from),
    h("td", { class: `number ${rival.difference_cents > 0 ? "bad" : rival.difference_cents < 0 ? "good" : ""}` }, signed(rival.difference_cents, dollars)),
    h("td", { class: "number" }, worth ? signed(worth, dollars) : "–"),
    h("td", {}, parts.join(", ") || "the same cost"),
  );
}
