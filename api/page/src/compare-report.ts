// What a comparison says without asking further: the key figures of both plans, and how certain the difference is.
import { card, h } from "./dom";
import { dollars } from "./format";
import { difference, KPIS } from "./kpis";
import type { Figures } from "./types";

export function compare(figures: Figures, baseline: Figures): HTMLElement {
  return card(`Against ${baseline.name}`, {}, figureTable(figures, baseline), h("p", { class: "caption" }, certainty(figures, baseline)));
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

/** How far the true difference between the best plans is known, from the two gaps. */
export function certainty(figures: Figures, baseline: Figures): string {
  const low = figures.kpis.bound_cents - baseline.kpis.objective_cents;
  const high = figures.kpis.objective_cents - baseline.kpis.bound_cents;
  const way = high < 0 ? "lower for certain" : low > 0 ? "higher for certain" : "not certain to be lower or higher";
  return `The best possible cost of this plan's batch less that of the baseline's is between ${dollars(low)} and ${dollars(high)}: ${way}.`;
}
