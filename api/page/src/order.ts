// One order beside the plan: how it is served, and why so.
import { get } from "./api";
import { byId, fill, h } from "./dom";
import { count, dollars, signed, words } from "./format";
import { moodOfState, stateText } from "./orders";
import { go } from "./state";
import type { OrderDetail, Shipment } from "./types";

interface Resource {
  kind: string;
  node_id: string;
  sku: string | null;
  service_id: string | null;
  date: string | null;
}

interface Rival {
  node_id: string;
  option: { shipments: Shipment[] } | null;
  difference: Record<string, number>;
  difference_cents: number;
  obstacles: { line_id: string | null; reason: string; detail: string }[];
}

interface Wanted extends Resource {
  amount: number;
  left: number;
  n_holders: number;
  holders: { order_id: string; amount: number; give_up_cents: number; instead: string[] }[];
}

interface Change {
  amount: number;
  node_id: string;
  resource: Resource | null;
}

/** A rival node, with the orders around this one decided anew so that it ships from there. */
interface Alternative extends Rival {
  with_neighbours: { shipments: Shipment[] } | null;
  moves: { order_id: string; cents: number }[];
  total_cents: number;
  wanted: Wanted[];
  flip_cents: number | null;
  changes: Change[];
  proven: boolean;
}

interface Explanation {
  order_id: string;
  price_cents: number;
  prices: (Resource & { cents: number; amount: number })[];
  stays_cents: Record<string, number>;
  smallest_change: Change | null;
  alternatives: Alternative[];
  others: Rival[];
  neighbours: string[];
  n_others: number;
  regret_cents: number;
  proven: boolean;
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

function named(resource: Resource): string {
  if (resource.kind === "stock") return `${resource.sku} at ${resource.node_id}`;
  return [`${words(resource.kind)} at ${resource.node_id}`, resource.service_id, resource.date].filter(Boolean).join(", ");
}

function reasons(found: Explanation): Node[] {
  const nodes: Node[] = [];
  if (found.prices.length) {
    const parts = found.prices.map((price) => `${named(price)} ${dollars(Math.round(price.cents))}${price.amount > 1 ? ` × ${count(price.amount)}` : ""}`);
    nodes.push(h("p", {}, `What it takes is worth ${dollars(Math.round(found.price_cents))} to the batch: ${parts.join("; ")}.`));
  } else {
    nodes.push(h("p", {}, "What it takes is not short: no other order would pay for it."));
  }
  if (found.smallest_change) nodes.push(h("p", { class: "flip" }, flip(found.smallest_change)));
  nodes.push(...found.alternatives.map(alternative));
  const able = found.others.filter((rival) => rival.option !== null);
  const unable = found.others.filter((rival) => rival.option === null);
  if (able.length) {
    const rows = able.map((rival) => h("li", {}, h("b", {}, rival.node_id), ` ${signed(rival.difference_cents, dollars)}: ${terms(rival.difference)}`));
    nodes.push(h("details", {}, h("summary", {}, `${count(able.length)} more ${able.length === 1 ? "node" : "nodes"} that could serve it at a cost`), h("ul", {}, ...rows)));
  }
  if (unable.length) {
    const rows = unable.map((rival) => {
      const why = [...new Set(rival.obstacles.map((one) => one.detail || words(one.reason)))].join("; ");
      return h("li", {}, h("b", {}, rival.node_id), ` cannot: ${why || "no way to ship from there"}.`);
    });
    nodes.push(h("details", { open: !found.alternatives.length }, h("summary", {}, `${count(unable.length)} ${unable.length === 1 ? "node lists" : "nodes list"} the items, but cannot`), h("ul", {}, ...rows.slice(0, 60))));
  }
  const held = `${count(found.neighbours.length)} orders around it were decided anew together with it; the other ${count(found.n_others)} stay as they are.`;
  const sure = found.proven ? "" : " Not all of these figures are proven to be the best.";
  const regret = found.regret_cents > 0 ? ` Deciding them anew would save ${dollars(found.regret_cents)}: what the plan's gap leaves open.` : "";
  nodes.push(h("p", { class: "caption" }, `${held}${regret}${sure}`));
  return nodes;
}

/** The smallest change of a rate that would have it served otherwise. */
function flip({ amount, node_id: node, resource }: Change): string {
  if (resource) return `${count(amount)} more of ${named(resource)} and it would ship from ${node}.`;
  if (amount <= 0) return `Shipping from ${node} would already be no dearer.`;
  return `It would ship from ${node} if a shipment from there were ${dollars(amount)} cheaper.`;
}

function terms(difference: Record<string, number>): string {
  const parts = Object.entries(difference).filter(([, cents]) => cents !== 0);
  return parts.map(([name, cents]) => `${term(name)} ${signed(cents, dollars)}`).join(", ") || "the same cost";
}

function alternative(rival: Alternative): HTMLElement {
  const lines: (Node | string)[] = [
    h("p", {}, h("b", {}, rival.node_id), " instead, were it alone: ", h("b", { class: rival.difference_cents > 0 ? "bad" : "good" }, signed(rival.difference_cents, dollars)), ` (${terms(rival.difference)})`),
  ];
  for (const wanted of rival.wanted) {
    const holders = wanted.holders.map((holder) => `${holder.order_id} (giving it up costs ${dollars(holder.give_up_cents)}${holder.instead.length ? `, then from ${holder.instead.join(", ")}` : ", then left out"})`);
    const more = wanted.n_holders > holders.length ? ` and ${count(wanted.n_holders - holders.length)} more` : "";
    lines.push(h("p", {}, `It lacks ${named(wanted)}: ${count(wanted.amount)} needed, ${count(wanted.left)} left. Held by ${holders.join(", ") || "orders that are not moved"}${more}.`));
  }
  if (rival.with_neighbours) {
    const moves = rival.moves.filter((move) => move.cents !== 0).map((move) => `${move.order_id} ${signed(move.cents, dollars)}`);
    lines.push(h("p", {}, `With the orders around it making room: ${signed(rival.total_cents, dollars)} in all${moves.length ? `, of which ${moves.join(", ")}` : ""}.`));
  } else {
    lines.push(h("p", {}, "The orders farther away leave no way to ship from there."));
  }
  const changes = rival.changes.map((change) => flip(change));
  if (rival.flip_cents !== null) changes.unshift(flip({ amount: rival.flip_cents, node_id: rival.node_id, resource: null }));
  if (changes.length) lines.push(h("p", { class: "quiet" }, changes.join(" ")));
  return h("div", { class: "shipment rival" }, ...lines);
}
