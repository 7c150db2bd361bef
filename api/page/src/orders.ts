// The orders of a plan: found, filtered and sorted on the service, a page at a time.
import { get } from "./api";
import { announce, fill, h, select } from "./dom";
import { count, dollars, words } from "./format";
import { go } from "./state";
import type { Figures, OrderRow, OrdersPage } from "./types";

const STATES: [string, string][] = [
  ["", "any state"],
  ["complete", "complete"],
  ["partial", "partial"],
  ["unallocated", "unallocated"],
  ["held", "held"],
];
const FLAGS: [string, string][] = [
  ["", "any"],
  ["late", "late"],
  ["split", "split"],
];

export function moodOfState(state: string): string {
  return state === "complete" ? "good" : state === "held" ? "quiet" : state === "partial" ? "warm" : "bad";
}

export async function orders(main: HTMLElement, figures: Figures, node: string | null, failed: (error: unknown) => void): Promise<void> {
  const search = h("input", { type: "search", id: "search", placeholder: "part of an order's id", "aria-label": "Search orders by id", autocomplete: "off" });
  const nodes: [string, string][] = [["", "any node"], ...figures.nodes.map(({ node_id: id }): [string, string] => [id, id])];
  const where = select(nodes, node ?? "", { "aria-label": "Node" });
  const state = select(STATES, "", { "aria-label": "State" });
  const flag = select(FLAGS, "", { "aria-label": "Late or split" });
  const total = h("span", { class: "quiet", role: "status" });
  const holder = h("div", { class: "table", id: "orders" });
  fill(
    main,
    h(
      "section",
      { class: "card", "aria-label": "Orders" },
      h("div", { class: "filters" }, h("h2", {}, "Orders"), search, where, state, flag, total, h("span", { class: "quiet push" }, "Enter or a click on an order says why it is served so.")),
      holder,
    ),
  );
  main.removeAttribute("aria-busy");

  const query = () => {
    const wishes = new URLSearchParams();
    if (search.value.trim()) wishes.set("search", search.value.trim());
    if (where.value) wishes.set("node_id", where.value);
    if (state.value) wishes.set("state", state.value);
    if (flag.value) wishes.set(flag.value, "true");
    return wishes;
  };
  const { makeTable } = await import("./drawing");
  const table = makeTable<OrderRow>(holder, {
    label: "Orders",
    index: "order_id",
    height: "calc(100vh - 190px)",
    empty: "No order fits the filters. Clear one of them.",
    failed,
    chosen: (row) => go({ order: row.order_id }),
    remote: async (wanted) => {
      const wishes = query();
      wishes.set("page", String(wanted.page ?? 1));
      wishes.set("size", String(wanted.size ?? 50));
      const [sort] = wanted.sort ?? [];
      if (sort) {
        wishes.set("sort", sort.field);
        wishes.set("descending", String(sort.dir === "desc"));
      }
      const found = await get<OrdersPage>(`/v1/operations/${encodeURIComponent(figures.operation_id)}/orders?${wishes}`);
      fill(total, `${count(found.total)} of ${count(figures.kpis.orders)} orders`);
      return { last_page: Math.max(1, found.pages), last_row: found.total, data: found.orders };
    },
    columns: [
      { title: "Order", field: "order_id", show: (row) => row.order_id, grow: 1.2 },
      { title: "State", field: "state", show: (row) => row.state, width: 100, mood: (row) => moodOfState(row.state) },
      { title: "To", field: "region", show: (row) => row.region ?? "–", width: 60, sortable: false },
      { title: "From", field: "nodes", show: (row) => row.nodes || "–", grow: 1.6 },
      { title: "Service", field: "services", show: (row) => [...new Set(row.services.split(" "))].join(", ") || "–", grow: 1.2 },
      { title: "Lines", field: "lines", show: (row) => count(row.lines), number: true, width: 72 },
      { title: "Units", field: "units", show: (row) => count(row.units), number: true, width: 72 },
      { title: "Left", field: "units_left", show: (row) => (row.units_left ? count(row.units_left) : "–"), number: true, width: 64, mood: (row) => (row.units_left ? "bad" : "quiet") },
      { title: "Ships", field: "ship_date", show: (row) => row.ship_date ?? "–", width: 98 },
      { title: "Arrives", field: "deliver_date", show: (row) => row.deliver_date ?? "–", width: 98 },
      { title: "Late, days", field: "days_late", show: (row) => (row.days_late ? count(row.days_late) : "–"), number: true, width: 92, mood: (row) => (row.days_late ? "bad" : "quiet") },
      { title: "Farthest, km", field: "distance_km", show: (row) => count(row.distance_km), number: true, width: 106 },
      { title: "Cost", field: "cost_cents", show: (row) => dollars(row.cost_cents), number: true, width: 92 },
    ],
  });
  let waiting = 0;
  const again = () => {
    clearTimeout(waiting);
    waiting = window.setTimeout(() => void table.setPage(1).then(() => announce(total.textContent ?? "")).catch(failed), 200);
  };
  for (const control of [search, where, state, flag]) control.addEventListener("input", again);
}

export function stateText(row: OrderRow): string {
  return row.reason && row.state !== "complete" ? `${row.state}: ${words(row.reason)}` : row.state;
}
