// The edits that a scenario can be built from here; all others can be written as JSON.
import { field, h, select } from "./dom";

interface Part {
  name: string;
  label: string;
  kind: "node" | "number" | "text" | "service" | "date" | "optional-node" | "optional-text";
  value?: string;
  hint?: string;
}

interface EditKind {
  label: string;
  parts: Part[];
  make: (values: Record<string, string>) => Record<string, unknown>;
}

const list = (text: string | undefined) => (text ?? "").split(/[\s,]+/).filter(Boolean);
const given = (name: string, values: string[]) => (values.length ? { [name]: values } : {});

export const EDITS: Record<string, EditKind> = {
  close_node: {
    label: "Close a node",
    parts: [{ name: "node", label: "Node", kind: "node" }],
    make: ({ node }) => ({ node_id: node }),
  },
  open_node: {
    label: "Open a node that is offline",
    parts: [{ name: "node", label: "Node", kind: "node" }],
    make: ({ node }) => ({ node_id: node }),
  },
  add_node: {
    label: "Add a node like another",
    parts: [
      { name: "id", label: "Its id", kind: "text", value: "new1" },
      { name: "like", label: "Like", kind: "node", hint: "columns, lanes and capacity" },
      { name: "lat", label: "Latitude", kind: "number", value: "39.1" },
      { name: "lon", label: "Longitude", kind: "number", value: "-94.6" },
      { name: "stock", label: "Stock copied from it, %", kind: "number", value: "50" },
    ],
    make: ({ id, like, lat, lon, stock }) => ({
      node: { node_id: id, lat: Number(lat), lon: Number(lon) },
      like,
      stock_from: like,
      stock_pct: Number(stock),
    }),
  },
  scale_capacity: {
    label: "Scale daily capacity",
    parts: [
      { name: "pct", label: "To, %", kind: "number", value: "120" },
      { name: "node", label: "Of", kind: "optional-node" },
    ],
    make: ({ pct, node }) => ({ pct: Number(pct), ...given("node_ids", list(node)) }),
  },
  set_capacity: {
    label: "Staff a node",
    parts: [
      { name: "node", label: "Node", kind: "node" },
      { name: "hours", label: "Hours a day", kind: "number", value: "8" },
      { name: "people", label: "People", kind: "number", value: "4" },
      { name: "rate", label: "Units an hour each", kind: "number", value: "30" },
    ],
    make: ({ node, hours, people, rate }) => ({ node_id: node, hours: Number(hours), people: Number(people), units_per_hour: Number(rate) }),
  },
  scale_stock: {
    label: "Scale stock",
    parts: [
      { name: "pct", label: "To, %", kind: "number", value: "80" },
      { name: "node", label: "At", kind: "optional-node" },
    ],
    make: ({ pct, node }) => ({ pct: Number(pct), ...given("node_ids", list(node)) }),
  },
  move_stock: {
    label: "Move stock",
    parts: [
      { name: "from", label: "From", kind: "node" },
      { name: "to", label: "To", kind: "node" },
      { name: "pct", label: "Of each item, %", kind: "number", value: "25" },
    ],
    make: ({ from, to, pct }) => ({ from_node: from, to_node: to, pct: Number(pct) }),
  },
  scale_rates: {
    label: "Scale a service's rates",
    parts: [
      { name: "service", label: "Service", kind: "service" },
      { name: "pct", label: "To, %", kind: "number", value: "110" },
    ],
    make: ({ service, pct }) => ({ service_ids: list(service), pct: Number(pct) }),
  },
  add_transit_days: {
    label: "Add transit days",
    parts: [
      { name: "service", label: "Service", kind: "service" },
      { name: "days", label: "Days", kind: "number", value: "2" },
    ],
    make: ({ service, days }) => ({ service_ids: list(service), days: Number(days) }),
  },
  scale_demand: {
    label: "Scale demand",
    parts: [
      { name: "pct", label: "To, %", kind: "number", value: "110" },
      { name: "regions", label: "Of regions", kind: "optional-text", hint: "such as CA NV; none: all" },
    ],
    make: ({ pct, regions }) => ({ pct: Number(pct), ...(list(regions).length ? { orders: { regions: list(regions) } } : {}) }),
  },
  set_policy: {
    label: "Change the policy",
    parts: [
      { name: "field", label: "Field", kind: "text", value: "split_cents" },
      { name: "value", label: "Value", kind: "number", value: "500" },
    ],
    make: ({ field: name, value }) => ({ policy: { [name!]: Number(value) } }),
  },
};

/** A row of the list of edits: what is edited, and its fields. */
export class EditRow {
  readonly element: HTMLElement;
  private readonly kind: HTMLSelectElement;
  private controls: Record<string, HTMLInputElement | HTMLSelectElement> = {};
  private readonly fields = h("div", { class: "fields" });

  constructor(
    private readonly nodes: string[],
    private readonly services: string[],
    removed: (row: EditRow) => void,
  ) {
    this.kind = select(Object.entries(EDITS).map(([name, { label }]) => [name, label]), "close_node", { "aria-label": "Edit" });
    this.kind.onchange = () => this.show();
    const remove = h("button", { type: "button", class: "small", "aria-label": "Remove this edit", onclick: () => removed(this) }, "Remove");
    this.element = h("li", { class: "edit" }, this.kind, this.fields, remove);
    this.show();
  }

  private show(): void {
    this.controls = {};
    const made = EDITS[this.kind.value]!.parts.map((part) => {
      const control = this.control(part);
      this.controls[part.name] = control;
      return field(part.label, control, part.hint);
    });
    this.fields.replaceChildren(...made);
  }

  private control(part: Part): HTMLInputElement | HTMLSelectElement {
    const pairs = (names: string[]): [string, string][] => names.map((name) => [name, name]);
    if (part.kind === "node") return select(pairs(this.nodes), this.nodes[0] ?? "");
    if (part.kind === "optional-node") return select([["", "all nodes"], ...pairs(this.nodes)], "");
    if (part.kind === "service") return select(pairs(this.services), this.services[0] ?? "");
    const type = part.kind === "number" ? "number" : "text";
    return h("input", { type, step: "any", value: part.value ?? "", required: part.kind !== "optional-text", size: 8 });
  }

  value(): Record<string, unknown> {
    const values = Object.fromEntries(Object.entries(this.controls).map(([name, control]) => [name, control.value]));
    return { edit: this.kind.value, ...EDITS[this.kind.value]!.make(values) };
  }
}
