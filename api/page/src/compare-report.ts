// What a comparison says without asking further: the key figures of both plans, and how certain the difference is.
import { card, h } from "./dom";
import { dollars, signed } from "./format";
import { difference, KPIS } from "./kpis";
import type { Certainty, Figures } from "./types";

export function compare(figures: Figures, baseline: Figures, sameBatch: boolean, sure: Certainty): HTMLElement {
  return card(`Against ${baseline.name}`, {}, figureTable(figures, baseline), h("p", { class: "caption" }, certainty(figures, baseline, sameBatch, sure)));
}

export function figureTable(figures: Figures, baseline: Figures): HTMLElement {
  const rows = KPIS.map((kpi) => {
    const change = difference(kpi, figures.kpis, baseline.kpis);
    return h(
      "tr",
      { title: kpi.hint },
      h("th", { scope: "row" }, kpi.label),
      h("td", { class: "number" }, kpi.write(kpi.value(baseline.kpis))),
      h("td", { class: "number" }, kpi.write(kpi.value(figures.kpis))),
      h("td", { class: `number ${change?.mood ?? ""}` }, change?.text ?? "–"),
    );
  });
  const headings = ["Figure", "Baseline", "This plan", "Difference"];
  return h(
    "table",
    { class: "plain figures", "aria-label": "Key figures of both plans" },
    h("thead", {}, h("tr", {}, ...headings.map((text, at) => h("th", { scope: "col", class: at ? "number" : "" }, text)))),
    h("tbody", {}, ...rows),
  );
}

/** How sure the difference is: exact for one batch, else an interval for the best plans of both, from the two gaps. */
export function certainty(figures: Figures, baseline: Figures, sameBatch: boolean, { difference_cents: found, low_cents: low, high_cents: high }: Certainty): string {
  if (sameBatch) {
    const bound = Math.max(figures.kpis.bound_cents, baseline.kpis.bound_cents);
    return `Both are plans of the same batch: this one costs ${dollars(Math.abs(found))} ${found <= 0 ? "less" : "more"}, exactly, and no plan of it costs less than ${dollars(bound)}.`;
  }
  const way = high < 0 ? "lower for certain" : low > 0 ? "higher for certain" : "not certain to be lower or higher";
  return `The plans differ by ${signed(found, dollars)}. The best possible cost of this batch less that of the baseline's is between ${dollars(low)} and ${dollars(high)}: ${way}.`;
}
