// A new plan: generated, loaded from a file, or a scenario of the plan at hand.
import { post, send } from "./api";
import { fill, field, h, select } from "./dom";
import { EditRow } from "./edits";
import { remember } from "./state";
import type { Figures, Operation } from "./types";

/** What is told when plans were begun: the one to watch, and what to compare it with. */
export type Begun = (plan: Operation, baseline: string | null) => void;

export function start(main: HTMLElement, figures: Figures | null, begun: Begun, failed: (error: unknown) => void): void {
  fill(main, h("div", { class: "starts" }, demo(begun, failed), upload(begun, failed), scenario(figures, begun, failed)));
  main.removeAttribute("aria-busy");
}

async function solve(body: { name: string; [part: string]: unknown }): Promise<Operation> {
  const plan = await post<Operation>("/v1/plans", body);
  remember(plan, body.name);
  return plan;
}

/** A form that says what it does while it does it. */
function form(title: string, intro: string, action: string, submit: () => Promise<void>, failed: (error: unknown) => void, ...parts: HTMLElement[]): HTMLElement {
  const button = h("button", { type: "submit", class: "primary" }, action);
  return h(
    "form",
    {
      class: "card",
      "aria-label": title,
      onsubmit: async (event: Event) => {
        event.preventDefault();
        button.disabled = true;
        try {
          await submit();
        } catch (error) {
          failed(error);
        } finally {
          button.disabled = false;
        }
      },
    },
    h("h2", {}, title),
    h("p", { class: "quiet" }, intro),
    ...parts,
    h("div", { class: "actions" }, button),
  );
}

function number(value: number, min: number, max: number): HTMLInputElement {
  return h("input", { type: "number", value: String(value), min, max, step: 1, required: true });
}

function search(): { element: HTMLElement; values: () => Record<string, unknown> } {
  const rule = select(
    [
      ["whole", "the whole batch at once"],
      ["one_at_a_time", "one order at a time"],
    ],
    "whole",
  );
  const gap = h("input", { type: "number", value: "0.5", min: 0, max: 100, step: "any", required: true });
  const limit = number(60, 1, 3600);
  const element = h("div", { class: "fields" }, field("Decide", rule), field("Stop at a gap of, %", gap), field("or after, seconds", limit));
  return { element, values: () => ({ rule: rule.value, gap: Number(gap.value) / 100, time_limit_seconds: Number(limit.value) }) };
}

function demo(begun: Begun, failed: (error: unknown) => void): HTMLElement {
  const load = select(
    [
      ["peak", "peak: stock short, docks full"],
      ["calm", "calm: ample stock"],
      ["flash", "flash: few items, many buyers"],
      ["basket", "basket: grocery orders"],
    ],
    "peak",
  );
  const orders = number(3000, 1, 100_000);
  const nodes = number(100, 1, 2000);
  const skus = number(600, 1, 200_000);
  const seed = number(0, 0, 2_147_483_647);
  const also = h("input", { type: "checkbox", checked: true });
  const how = search();
  const submit = async () => {
    const generate = { load: load.value, orders: Number(orders.value), nodes: Number(nodes.value), skus: Number(skus.value), seed: Number(seed.value) };
    const name = `${load.value} ${orders.value}`;
    let baseline: string | null = null;
    if (also.checked) {
      const routed = await solve({ name: `${name}, one at a time`, rule: "one_at_a_time", generate });
      baseline = routed.operation_id;
    }
    begun(await solve({ name, generate, ...how.values() }), baseline);
  };
  return form(
    "Demo batch",
    "A day as it could be: US geography, parcel tariffs, orders as people place them.",
    "Generate and solve",
    submit,
    failed,
    h("div", { class: "fields" }, field("Kind of day", load), field("Orders", orders), field("Nodes", nodes), field("Items", skus), field("Seed", seed)),
    how.element,
    h("label", { class: "check" }, also, "Also decide one order at a time, as the baseline"),
  );
}

function upload(begun: Begun, failed: (error: unknown) => void): HTMLElement {
  const file = h("input", { type: "file", accept: ".json,.zip", required: true, id: "file" });
  const name = h("input", { type: "text", maxlength: 100, placeholder: "the file's name" });
  const how = search();
  const submit = async () => {
    const [chosen] = file.files ?? [];
    if (!chosen) return;
    const title = name.value.trim() || chosen.name.replace(/\.(json|zip)$/, "");
    const wishes = how.values();
    if (chosen.name.endsWith(".zip")) {
      const query = new URLSearchParams({ name: title, ...Object.fromEntries(Object.entries(wishes).map(([key, value]) => [key, String(value)])) });
      const plan = await send<Operation>(`/v1/plans:import?${query}`, chosen, "application/zip");
      remember(plan, title);
      begun(plan, null);
      return;
    }
    let document: Record<string, unknown>;
    try {
      document = JSON.parse(await chosen.text()) as Record<string, unknown>;
    } catch (error) {
      throw new Error(`${chosen.name} is not JSON: ${(error as Error).message}`);
    }
    if ("nodes" in document || "policy" in document) {
      begun(await solve({ name: title, batch: document, ...wishes }), null);
      return;
    }
    const { gap, time_limit_seconds } = wishes;
    begun(await post<Operation>("/v1/allocations:batch", { ...document, commit: false, gap, time_limit_seconds }), null);
  };
  return form(
    "Batch from a file",
    "A batch as a JSON document, or its folder of Parquet or CSV tables as a ZIP. A JSON file with orders and lines only is solved on the service's network and stock, and reserves nothing.",
    "Load and solve",
    submit,
    failed,
    h("div", { class: "fields" }, field("File", file, "NAME.json or NAME.zip"), field("Name", name)),
    how.element,
  );
}

function scenario(figures: Figures | null, begun: Begun, failed: (error: unknown) => void): HTMLElement {
  if (!figures) {
    return h("section", { class: "card" }, h("h2", {}, "Scenario"), h("p", { class: "quiet" }, "Solve a batch first: a scenario is a plan's batch with edits, such as a node closed or a carrier late."));
  }
  const nodes = figures.nodes.map((node) => node.node_id);
  const services = figures.services.map((service) => service.service_id);
  const rows: EditRow[] = [];
  const list = h("ol", { class: "edits", "aria-label": "Edits" });
  const name = h("input", { type: "text", maxlength: 100, value: "what if", required: true });
  const json = h("textarea", { rows: 6, spellcheck: "false", "aria-label": "Edits as JSON", placeholder: '[{"edit": "close_node", "node_id": "dc01"}]' });
  const how = search();
  const add = () => {
    const row = new EditRow(nodes, services, (gone) => {
      rows.splice(rows.indexOf(gone), 1);
      gone.element.remove();
    });
    rows.push(row);
    list.append(row.element);
  };
  add();
  const submit = async () => {
    let more: unknown = [];
    if (json.value.trim()) {
      try {
        more = JSON.parse(json.value);
      } catch (error) {
        throw new Error(`The edits as JSON cannot be read: ${(error as Error).message}`);
      }
      if (!Array.isArray(more)) throw new Error("The edits as JSON are no list. Write them as [{...}, {...}].");
    }
    const edits = [...rows.map((row) => row.value()), ...(more as unknown[])];
    const body = { name: name.value, base: figures.operation_id, scenario: { edits }, ...how.values() };
    begun(await solve(body), figures.operation_id);
  };
  return form(
    "Scenario",
    `The batch of “${figures.name}” with edits; that plan is then the baseline.`,
    "Solve the scenario",
    submit,
    failed,
    field("Name", name),
    list,
    h("div", { class: "actions" }, h("button", { type: "button", id: "add-edit", onclick: add }, "Add an edit")),
    h("details", {}, h("summary", {}, "More edits, as JSON"), json),
    how.element,
  );
}
