// The key figures: what they are called, how they are written, and which way is better.
import { h } from "./dom";
import { count, dollars, type Maybe, NONE, percent, short, signed } from "./format";
import type { Figures, Kpis } from "./types";

interface Kpi {
  label: string;
  hint: string;
  value: (kpis: Kpis) => Maybe;
  write: (value: Maybe) => string;
  /** 1: more is better, -1: less is, 0: neither. */
  better: 1 | -1 | 0;
  /** Differences of shares are told in percentage points. */
  share?: boolean;
}

const percent2 = (value: Maybe) => percent(value, 2);

export const KPIS: Kpi[] = [
  { label: "Total cost", hint: "All terms of all orders: what is minimised.", value: (k) => k.objective_cents, write: dollars, better: -1 },
  { label: "Proven gap", hint: "At most this share of the cost could still be saved by any other plan.", value: (k) => k.gap, write: percent2, better: 0, share: true },
  { label: "Cost per order", hint: "Total cost by orders that are not held.", value: (k) => k.cost_per_order_cents, write: dollars, better: -1 },
  { label: "Fill rate", hint: "Units shipped of units asked for.", value: (k) => k.fill_rate, write: percent, better: 1, share: true },
  { label: "On time", hint: "Shipments that arrive by the date that was promised, of those with one.", value: (k) => k.on_time_rate, write: percent, better: 1, share: true },
  { label: "Split orders", hint: "Orders with two shipments or more, of those shipped.", value: (k) => k.split_rate, write: percent, better: -1, share: true },
  { label: "Shipments", hint: "Parcels that leave a node.", value: (k) => k.shipments, write: count, better: 0 },
  { label: "Distance", hint: "Kilometres of all shipments together.", value: (k) => k.shipment_km, write: (v) => (v == null ? NONE : `${short(v)} km`), better: -1 },
  { label: "Carbon", hint: "Kilograms of CO₂ of all shipments.", value: (k) => k.carbon_g, write: (v) => (v == null ? NONE : `${short(v / 1000)} kg`), better: -1 },
];

export const TERMS: [keyof Kpis, string][] = [
  ["freight_cents", "Freight"],
  ["handling_cents", "Handling"],
  ["preference_cents", "Preference"],
  ["split_cents", "Split"],
  ["late_cents", "Late"],
  ["carbon_cents", "Carbon"],
  ["unallocated_cents", "Unallocated"],
];

export interface Difference {
  text: string;
  /** "good", "bad" or "same", for colour; the sign says it too. */
  mood: string;
}

/** What a figure differs by from the baseline's. */
export function difference(kpi: Kpi, now: Kpis, was: Kpis): Difference | null {
  const a = kpi.value(now);
  const b = kpi.value(was);
  if (a === null || a === undefined || b === null || b === undefined) return null;
  const change = a - b;
  const text = kpi.share
    ? signed(Math.round(change * 1e4) / 1e4, (v) => `${(100 * v).toFixed(2)} pt`)
    : signed(change, (v) => kpi.write(v)) + (b ? ` (${signed(Math.round((1000 * change) / Math.abs(b)) / 10, (v) => `${v} %`)})` : "");
  const size = kpi.better * Math.sign(change);
  return { text, mood: size > 0 ? "good" : size < 0 ? "bad" : "same" };
}

/** The tiles, with differences where there is a baseline. */
export function tiles(figures: Figures, baseline: Figures | null): HTMLElement {
  const made = KPIS.map((kpi) => {
    const change = baseline && difference(kpi, figures.kpis, baseline.kpis);
    return h(
      "div",
      { class: "tile", title: kpi.hint },
      h("dt", {}, kpi.label),
      h("dd", {}, kpi.write(kpi.value(figures.kpis))),
      h("dd", { class: `change ${change?.mood ?? ""}` }, change?.text ?? (baseline ? NONE : "")),
    );
  });
  return h("dl", { class: baseline ? "tiles compared" : "tiles", "aria-label": "Key figures" }, ...made);
}
