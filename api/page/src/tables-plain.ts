// Small tables without anything to sort or choose.
import { h } from "./dom";

/** Make one; `numbers` are the columns that hold numbers. */
export function plainTable(label: string, headings: string[], rows: (string | Node)[][], numbers: number[] = []): HTMLElement {
  const side = (at: number) => (numbers.includes(at) ? "number" : "");
  return h(
    "table",
    { class: "plain", "aria-label": label },
    h("thead", {}, h("tr", {}, ...headings.map((text, at) => h("th", { scope: "col", class: side(at) }, text)))),
    h("tbody", {}, ...rows.map((cells) => h("tr", {}, ...cells.map((cell, at) => h("td", { class: side(at) }, cell))))),
  );
}
