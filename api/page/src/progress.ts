// A plan on its way: objective and bound closing in, as the service tells.
import { follow, post } from "./api";
import { announce, card, fill, h } from "./dom";
import { count, dollars, percent, seconds, words } from "./format";
import { nameOf } from "./state";
import type { Operation, TracePoint } from "./types";

/** Show an operation until it ends; answers with how it ended, or null when the page went elsewhere. */
export async function watch(main: HTMLElement, first: Operation, signal: AbortSignal, failed: (error: unknown) => void): Promise<Operation | null> {
  const began = performance.now();
  const trace: TracePoint[] = [];
  const values = h("dl", { class: "tiles live", "aria-label": "How the search goes" });
  const chart = h("div", { class: "chart tall", id: "closing-in" });
  const state = h("p", { class: "caption", role: "status" });
  const cancel = h("button", { type: "button", id: "cancel" }, "Cancel");
  cancel.onclick = () => {
    cancel.disabled = true;
    post(`/v1/operations/${encodeURIComponent(first.operation_id)}:cancel`, {}).catch(failed);
  };
  fill(main, values, card(`Solving: ${nameOf(first)}`, {}, state, chart, h("div", { class: "actions" }, cancel)));
  main.removeAttribute("aria-busy");
  const { convergence } = await import("./drawing");
  let now = first;
  const show = () => {
    const at = now.progress;
    const passed = (performance.now() - began) / 1000;
    const tile = (label: string, text: string) => h("div", { class: "tile" }, h("dt", {}, label), h("dd", {}, text));
    fill(
      values,
      tile("Stage", now.state === "QUEUED" ? "waiting" : words(at?.stage ?? "start")),
      tile("Orders", at?.total ? count(at.total) : "–"),
      tile("Objective", dollars(at?.objective_cents)),
      tile("Bound", dollars(at?.bound_cents)),
      tile("Gap", percent(at?.gap, 2)),
      tile("Watched for", seconds(passed)),
    );
    fill(state, now.state === "QUEUED" ? "It waits for the plan before it." : "No plan costs less than the bound; the search ends when the objective is near enough to it.");
    if (trace.length) convergence(chart, trace, passed);
  };
  show();
  const ticking = window.setInterval(show, 250);
  try {
    await follow(
      first.operation_id,
      (operation) => {
        now = operation;
        const at = operation.progress;
        const last = trace.at(-1);
        const objective = at?.objective_cents ?? null;
        const bound = at?.bound_cents ?? null;
        if ((objective !== null || bound !== null) && (last?.objective_cents !== objective || last.bound_cents !== bound)) {
          trace.push({ seconds: (performance.now() - began) / 1000, phase: at!.stage, objective_cents: objective, bound_cents: bound });
        }
        show();
      },
      signal,
    );
  } finally {
    clearInterval(ticking);
  }
  if (signal.aborted) return null;
  announce(`The plan has ended: ${now.state.toLowerCase()}`);
  return now;
}
