// Tables: Tabulator with only what is used; rows and headings can be reached and used by keyboard.
import {
  AjaxModule,
  FormatModule,
  InteractionModule,
  PageModule,
  ResizeColumnsModule,
  ResizeTableModule,
  SelectRowModule,
  SortModule,
  Tabulator,
} from "tabulator-tables";
import { h } from "./dom";

Tabulator.registerModule([
  AjaxModule,
  FormatModule,
  InteractionModule,
  PageModule,
  ResizeColumnsModule,
  ResizeTableModule,
  SelectRowModule,
  SortModule,
]);

export interface Column<Row> {
  title: string;
  field: string;
  /** What is shown; text. */
  show: (row: Row) => string;
  number?: boolean;
  width?: number;
  grow?: number;
  sortable?: boolean;
  /** A class of the cell, for colour. */
  mood?: (row: Row) => string;
}

interface Page<Row> {
  last_page: number;
  last_row: number;
  data: Row[];
}

export interface Wanted {
  page: number;
  size: number;
  sort: { field: string; dir: "asc" | "desc" }[];
}

interface Options<Row> {
  label: string;
  columns: Column<Row>[];
  index: string;
  height: number | string;
  rows?: Row[];
  remote?: (wanted: Wanted) => Promise<Page<Row>>;
  failed?: (error: unknown) => void;
  sort?: { column: string; dir: "asc" | "desc" }[];
  empty: string;
  chosen?: (row: Row) => void;
}

/** Make a table in an element. */
export function makeTable<Row extends object>(element: HTMLElement, options: Options<Row>): Tabulator {
  const { columns, rows, remote, chosen } = options;
  const made = new Tabulator(element, {
    index: options.index,
    height: options.height,
    layout: "fitColumns",
    placeholder: options.empty,
    columnDefaults: { headerSortTristate: false, resizable: "header", vertAlign: "middle" },
    initialSort: options.sort ?? [],
    selectableRows: chosen ? 1 : false,
    columns: columns.map((column) => ({
      title: column.title,
      field: column.field,
      headerSort: column.sortable ?? true,
      hozAlign: column.number ? "right" : "left",
      headerHozAlign: column.number ? "right" : "left",
      ...(column.width ? { width: column.width } : { widthGrow: column.grow ?? 1, minWidth: 60 }),
      ...(column.number ? { sorter: "number" } : { sorter: "string" }),
      formatter: (cell: { getRow(): { getData(): Row } }) => {
        const row = cell.getRow().getData();
        const text = column.show(row);
        return h("span", { class: column.mood?.(row) ?? "", title: text }, text);
      },
    })),
    rowFormatter: (row: { getElement(): HTMLElement; getData(): Row }) => {
      if (!chosen) return;
      const line = row.getElement();
      line.tabIndex = 0;
      line.onkeydown = (event) => {
        if (event.key === "Enter" || event.key === " ") {
          event.preventDefault();
          chosen(row.getData());
        } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
          event.preventDefault();
          const next = event.key === "ArrowDown" ? line.nextElementSibling : line.previousElementSibling;
          (next as HTMLElement | null)?.focus();
        }
      };
    },
    ...(remote
      ? {
          ajaxURL: "remote",
          ajaxRequestFunc: (_url: string, _config: unknown, wanted: Wanted) => remote(wanted),
          pagination: true,
          paginationMode: "remote",
          sortMode: "remote",
          paginationSize: 50,
          paginationCounter: "rows",
          dataLoader: false,
        }
      : { data: rows ?? [] }),
  } as never);
  made.on("tableBuilt", () => {
    element.querySelector(".tabulator-tableholder")?.setAttribute("aria-label", options.label);
    for (const heading of element.querySelectorAll<HTMLElement>(".tabulator-col.tabulator-sortable")) {
      heading.tabIndex = 0;
      heading.addEventListener("keydown", (event) => {
        if (event.key === "Enter") heading.click();
      });
    }
  });
  if (chosen) made.on("rowClick", (_event: unknown, row: { getData(): unknown }) => chosen(row.getData() as Row));
  if (options.failed) made.on("dataLoadError", options.failed as never);
  return made;
}
