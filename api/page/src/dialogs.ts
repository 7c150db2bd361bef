// Dialogs: the key, the file to export, the shortcuts. The browser keeps focus inside and closes them on Escape.
import { download, hasKey, setKey } from "./api";
import { announce, field, h, select } from "./dom";
import type { Figures } from "./types";

export const SHORTCUTS: [string, string][] = [
  ["1 2 3 4", "Overview, Orders, Compare, New plan"],
  ["p", "choose the plan"],
  ["b", "choose the baseline"],
  ["/", "search orders"],
  ["e", "export a table"],
  ["t", "light or dark"],
  ["k", "API key"],
  ["Esc", "close what is open"],
  ["?", "this list"],
];

function open(title: string, ...parts: HTMLElement[]): HTMLDialogElement {
  const dialog = h("dialog", { "aria-label": title, onclose: () => dialog.remove() }, h("h2", {}, title), ...parts);
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

function buttons(dialog: () => HTMLDialogElement, action: string): HTMLElement {
  return h("div", { class: "actions" }, h("button", { type: "submit", class: "primary" }, action), h("button", { type: "button", onclick: () => dialog().close() }, "Close"));
}

export function helpDialog(): void {
  const rows = SHORTCUTS.flatMap(([keys, text]) => [h("dt", {}, ...keys.split(" ").map((key) => h("kbd", {}, key))), h("dd", {}, text)]);
  const dialog: HTMLDialogElement = open("Shortcuts", h("dl", { class: "shortcuts" }, ...rows), h("div", { class: "actions" }, h("button", { type: "button", onclick: () => dialog.close() }, "Close")));
}

export function keyDialog(done: () => void, asked = false): void {
  if (document.querySelector("dialog[open]")) return;
  const key = h("input", { type: "password", autocomplete: "off", required: !hasKey(), size: 60, id: "key" });
  const dialog: HTMLDialogElement = open(
    "API key",
    h(
      "form",
      {
        onsubmit: (event: Event) => {
          event.preventDefault();
          setKey(key.value.trim());
          dialog.close();
          done();
        },
      },
      h("p", {}, asked ? "The service asks for a key. Ask whoever runs it, or make one: nodewise key create --scope read --scope simulate" : "Sent with every call from this tab, and forgotten when the tab is closed. Empty: no key."),
      field("Key", key),
      buttons(() => dialog, "Use it"),
    ),
  );
}

export function exportDialog(figures: Figures, failed: (error: unknown) => void): void {
  const table = select(
    [
      ["nodes", "Nodes"],
      ["orders", "Orders"],
      ["shipments", "Shipments"],
      ["allocations", "Lines and shipments"],
      ["unallocated", "What is not allocated"],
      ["prices", "Prices"],
    ],
    "orders",
  );
  const form = select(
    [
      ["xlsx", "XLSX, for spreadsheets"],
      ["csv", "CSV, for spreadsheets"],
      ["parquet", "Parquet, for programs"],
    ],
    "xlsx",
  );
  const dialog: HTMLDialogElement = open(
    "Export",
    h(
      "form",
      {
        onsubmit: async (event: Event) => {
          event.preventDefault();
          try {
            const path = `/v1/operations/${encodeURIComponent(figures.operation_id)}/export?table=${table.value}&format=${form.value}`;
            announce(`${await download(path)} was saved`);
            dialog.close();
          } catch (error) {
            dialog.close();
            failed(error);
          }
        },
      },
      h("p", { class: "quiet" }, `From “${figures.name}”. In files for spreadsheets, text that would run as a formula begins with an apostrophe.`),
      h("div", { class: "fields" }, field("Table", table), field("As", form)),
      buttons(() => dialog, "Download"),
    ),
  );
}
