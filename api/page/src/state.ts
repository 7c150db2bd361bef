// What the page shows is in its address: #/VIEW/PLAN?baseline=...&node=...
import { get } from "./api";
import type { Figures, Operation } from "./types";

export type View = "overview" | "orders" | "compare" | "new";
export const VIEWS: [View, string][] = [
  ["overview", "Overview"],
  ["orders", "Orders"],
  ["compare", "Compare"],
  ["new", "New plan"],
];

export interface Place {
  view: View;
  plan: string | null;
  baseline: string | null;
  node: string | null;
  order: string | null;
}

export function readPlace(): Place {
  const [path = "", query = ""] = location.hash.replace(/^#\/?/, "").split("?");
  const [view = "", plan = ""] = path.split("/").map(decodeURIComponent);
  const wishes = new URLSearchParams(query);
  return {
    view: VIEWS.some(([name]) => name === view) ? (view as View) : "overview",
    plan: plan || null,
    baseline: wishes.get("baseline"),
    node: wishes.get("node"),
    order: wishes.get("order"),
  };
}

export function placeHash(place: Place): string {
  const wishes = new URLSearchParams();
  for (const name of ["baseline", "node", "order"] as const) {
    if (place[name]) wishes.set(name, place[name]);
  }
  const query = wishes.toString();
  return `#/${place.view}${place.plan ? `/${encodeURIComponent(place.plan)}` : ""}${query ? `?${query}` : ""}`;
}

/** Go somewhere: what is not named stays. */
export function go(changes: Partial<Place>): void {
  location.hash = placeHash({ ...readPlace(), ...changes });
}

const known = new Map<string, Promise<Figures>>();

/** The figures of a finished operation: asked for once, they do not change. */
export function figuresOf(id: string): Promise<Figures> {
  let found = known.get(id);
  if (!found) {
    found = get<Figures>(`/v1/operations/${encodeURIComponent(id)}/figures`);
    known.set(id, found);
    found.catch(() => known.delete(id));
  }
  return found;
}

/** The newest operations that have figures, and those that are named besides. */
export async function operations(...named: (string | null)[]): Promise<Operation[]> {
  const newest = await get<{ operations: Operation[] }>("/v1/operations?limit=50");
  const found = newest.operations.filter(({ kind }) => kind === "plan" || kind === "allocate");
  for (const id of named) {
    if (id === null || newest.operations.length < 50 || found.some((operation) => operation.operation_id === id)) continue;
    const older = await get<Operation>(`/v1/operations/${encodeURIComponent(id)}`).catch(() => null);
    if (older) found.push(older);
  }
  return found;
}

const names = new Map<string, string>();

/** Remember what a plan that was begun here is called: the service tells only once it is worked on. */
export function remember(operation: Operation, name: string): void {
  names.set(operation.operation_id, name);
}

export function nameOf(operation: Operation): string {
  return operation.progress?.name ?? names.get(operation.operation_id) ?? (operation.kind === "allocate" ? "orders on the ledger" : "plan");
}

export function isOver(operation: Operation): boolean {
  return !["QUEUED", "RUNNING"].includes(operation.state);
}
