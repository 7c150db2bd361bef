// The page: what is in the address is shown, and what is chosen goes into the address.
import "./style.css";
import { Refused } from "./api";
import { compare } from "./compare";
import { exportDialog, helpDialog, keyDialog } from "./dialogs";
import { announce, byId, fill, h, notice } from "./dom";
import { instant, words } from "./format";
import { closeOrder, showOrder } from "./order";
import { orders } from "./orders";
import { overview } from "./overview";
import { watch } from "./progress";
import { start } from "./start";
import { figuresOf, go, isOver, nameOf, operations, type Place, placeHash, readPlace, VIEWS } from "./state";
import type { Figures, Operation, Problem } from "./types";

let known: Operation[] = [];
let shown: Figures | null = null;
let leaving = new AbortController();
let drawn = "";

const main = byId("main");
const busy = () => main.setAttribute("aria-busy", "true");

function applyTheme(theme: string | null): void {
  if (theme) document.documentElement.dataset["theme"] = theme;
}

function toggleTheme(): void {
  const dark = document.documentElement.dataset["theme"] ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
  const next = dark === "dark" ? "light" : "dark";
  localStorage.setItem("nodewise-theme", next);
  applyTheme(next);
  drawn = "";
  void show();
}

function header(place: Place): void {
  const title = (operation: Operation) => `${nameOf(operation)} · ${instant(operation.created_at)}${operation.state === "DONE" ? "" : ` · ${operation.state.toLowerCase()}`}`;
  const done = known.filter((operation) => operation.result !== null);
  const option = (operation: Operation, chosen: string | null) => h("option", { value: operation.operation_id, selected: operation.operation_id === chosen }, title(operation));
  const plan = h(
    "select",
    { id: "plan", onchange: () => go({ plan: plan.value, view: place.view === "new" ? "overview" : place.view, node: null, order: null, baseline: plan.value === place.baseline ? null : place.baseline }) },
    place.plan && known.some(({ operation_id: id }) => id === place.plan) ? null : h("option", { value: "" }, "choose a plan"),
    ...known.map((operation) => option(operation, place.plan)),
  );
  const baseline = h(
    "select",
    { id: "baseline", onchange: () => go({ baseline: baseline.value || null }) },
    h("option", { value: "" }, "none"),
    ...done.filter(({ operation_id: id }) => id !== place.plan).map((operation) => option(operation, place.baseline)),
  );
  const links = VIEWS.map(([view, text], index) =>
    h("a", { href: placeHash({ ...place, view, node: null, order: null }), "aria-current": view === place.view ? "page" : null, "aria-keyshortcuts": String(index + 1) }, text),
  );
  const had = document.activeElement?.id;
  fill(
    byId("top"),
    h("a", { class: "brand", href: "#/", "aria-label": "nodewise" }, "nodewise"),
    h("nav", { "aria-label": "Views" }, ...links),
    h("div", { class: "pick" }, h("label", { for: "plan" }, "Plan"), plan),
    h("div", { class: "pick" }, h("label", { for: "baseline" }, "Baseline"), baseline),
    h(
      "div",
      { class: "tools" },
      h("button", { type: "button", id: "export", disabled: shown === null, onclick: exportNow }, "Export"),
      h("button", { type: "button", class: "icon", title: "Light or dark (t)", "aria-label": "Light or dark", onclick: toggleTheme }, "◐"),
      h("button", { type: "button", title: "API key (k)", "aria-label": "API key", onclick: () => keyDialog(restart) }, "Key"),
      h("button", { type: "button", class: "icon", title: "Shortcuts (?)", "aria-label": "Shortcuts", onclick: helpDialog }, "?"),
    ),
  );
  if (had === "plan" || had === "baseline") byId(had).focus();
}

function exportNow(): void {
  if (shown) exportDialog(shown, failed);
}

/** Say what went wrong over what is shown, and leave that in place. */
function failed(error: unknown): void {
  if (error instanceof DOMException && error.name === "AbortError") return;
  if (error instanceof Refused && error.wantsKey) {
    keyDialog(restart, true);
    return;
  }
  const problem: Problem = error instanceof Refused ? error.problem : { title: "That did not work", status: 0, detail: (error as Error).message };
  const errors = problem.errors ?? [];
  const lines = (errors.length > 1 ? errors : []).slice(0, 8).map((one) => h("li", {}, `${one.pointer} ${one.detail}`.trim()));
  const hint = problem.request_id && problem.status >= 500 ? ` The service's log has it under ${problem.request_id}.` : "";
  const box = h(
    "div",
    { class: "error", role: "alert" },
    h("b", {}, problem.title),
    h("p", {}, `${problem.detail}${hint}`),
    lines.length ? h("ul", {}, ...lines) : null,
    h("button", { type: "button", class: "small", onclick: () => box.remove() }, "Dismiss"),
  );
  document.querySelector(".error")?.remove();
  main.prepend(box);
  main.removeAttribute("aria-busy");
}

function restart(): void {
  drawn = "";
  known = [];
  void show(true);
}

async function show(listAnew = false): Promise<void> {
  const place = readPlace();
  const what = JSON.stringify({ ...place, order: null, node: place.view === "orders" ? place.node : null });
  if (what === drawn && !listAnew) {
    showDrawer(place);
    return;
  }
  drawn = what;
  leaving.abort();
  leaving = new AbortController();
  const { signal } = leaving;
  busy();
  try {
    if (listAnew || known.length === 0 || (place.plan && !known.some(({ operation_id: id }) => id === place.plan))) known = await operations(place.plan, place.baseline);
    if (signal.aborted) return;
    if (!place.plan && place.view !== "new") {
      const newest = known.find((operation) => operation.result !== null) ?? known[0];
      if (newest) {
        location.replace(placeHash({ ...place, plan: newest.operation_id }));
        return;
      }
    }
    await content(place, signal);
  } catch (error) {
    if (!signal.aborted) {
      header(place);
      if (!(error instanceof Refused && error.wantsKey)) fill(main, notice("Nothing to show", "The plan could not be read.", h("button", { type: "button", class: "primary", onclick: restart }, "Try again")));
      failed(error);
    }
  }
  if (!signal.aborted) showDrawer(place);
  void import("./drawing").then(({ sweep }) => sweep());
}

async function content(place: Place, signal: AbortSignal): Promise<void> {
  const operation = known.find(({ operation_id: id }) => id === place.plan) ?? null;
  shown = operation?.result ? await figuresOf(operation.operation_id) : null;
  const baseline = place.baseline && known.some(({ operation_id: id, result }) => id === place.baseline && result) ? await figuresOf(place.baseline) : null;
  if (signal.aborted) return;
  header(place);
  document.title = shown ? `${shown.name} · nodewise` : "nodewise";
  if (place.view === "new") {
    start(main, shown, begun, failed);
  } else if (!operation) {
    nothing(place);
  } else if (!isOver(operation)) {
    await solving(operation, signal);
  } else if (!shown) {
    ended(operation);
  } else if (place.view === "orders") {
    await orders(main, shown, place.node, failed);
  } else if (place.view === "compare") {
    await comparing(shown, baseline);
  } else {
    await overview(main, shown, baseline, place.node);
  }
}

function nothing(place: Place): void {
  const text = place.plan ? "There is no such plan here, or its result is more than a day old and was removed." : "No batch has been solved yet. Begin with a demo batch, or load one of yours.";
  fill(main, notice(place.plan ? "No such plan" : "No plan yet", text, h("a", { class: "button primary", href: "#/new" }, "New plan")));
  main.removeAttribute("aria-busy");
  performance.mark("nodewise-useful");
}

function ended(operation: Operation): void {
  const { state, problem } = operation;
  const text = state === "CANCELLED" ? "The plan was cancelled before it had a result." : `${problem?.title ?? "The plan failed"}: ${problem?.detail ?? ""}`;
  fill(main, notice(state === "CANCELLED" ? "Cancelled" : `The plan ${words(state).toLowerCase()}`, text, h("a", { class: "button primary", href: "#/new" }, "New plan")));
  main.removeAttribute("aria-busy");
}

async function comparing(figures: Figures, baseline: Figures | null): Promise<void> {
  if (baseline) {
    await compare(main, figures, baseline, failed);
    return;
  }
  const others = known.filter(({ operation_id: id, result }) => result !== null && id !== figures.operation_id);
  const choices = others.slice(0, 5).map((operation) => h("a", { class: "button", href: placeHash({ ...readPlace(), baseline: operation.operation_id }) }, `${nameOf(operation)} · ${instant(operation.created_at)}`));
  const text = others.length ? "Choose what to compare with, here or above as the baseline:" : "There is no other plan to compare with. Solve a scenario of this one first.";
  fill(main, notice("Two plans side by side", text, ...(choices.length ? choices : [h("a", { class: "button primary", href: placeHash({ ...readPlace(), view: "new" }) }, "New plan")])));
  main.removeAttribute("aria-busy");
}

async function solving(operation: Operation, signal: AbortSignal): Promise<void> {
  const last = await watch(main, operation, signal, failed);
  if (!last) return;
  drawn = "";
  await show(true);
}

function begun(plan: Operation, baseline: string | null): void {
  known = [];
  announce("The plan has begun");
  go({ view: "overview", plan: plan.operation_id, baseline, node: null, order: null });
}

function showDrawer(place: Place): void {
  if (place.order && place.plan) void showOrder(place.plan, place.order);
  else closeOrder();
}

function pressed(event: KeyboardEvent): void {
  const target = event.target as HTMLElement;
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  if (event.key === "Escape" && readPlace().order) {
    go({ order: null });
    return;
  }
  if (target.matches("input, select, textarea")) return;
  const view = VIEWS[Number(event.key) - 1];
  const act: Record<string, () => void> = {
    p: () => byId("plan").focus(),
    b: () => byId("baseline").focus(),
    "/": () => (readPlace().view === "orders" ? byId("search").focus() : go({ view: "orders" })),
    e: exportNow,
    t: toggleTheme,
    k: () => keyDialog(restart),
    "?": helpDialog,
  };
  const found = view ? () => go({ view: view[0], node: null, order: null }) : act[event.key];
  if (found) {
    event.preventDefault();
    found();
  }
}

applyTheme(localStorage.getItem("nodewise-theme"));
addEventListener("hashchange", () => void show());
addEventListener("keydown", pressed);
void show();
