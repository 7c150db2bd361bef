// Elements without a framework: made by a call, text always as text.

export type Child = Node | string | number | null | undefined | false;
type Attributes = Record<string, unknown>;

/** Make an element. `on...` attributes are listeners, `false` and null leave an attribute out. */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value as EventListener);
    else if (name === "value") (element as unknown as { value: unknown }).value = value;
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  fill(element, ...children);
  return element;
}

/** Put children into an element, after removing what was there. */
export function fill(element: Element, ...children: Child[]): void {
  const kept = children.filter((child) => child !== null && child !== undefined && child !== false);
  element.replaceChildren(...kept.map((child) => (child instanceof Node ? child : String(child))));
}

export function byId(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (!found) throw new Error(`there is no element ${id}`);
  return found;
}

/** Tell what happened to people who do not see it. */
export function announce(text: string): void {
  const live = document.getElementById("live");
  if (live) live.textContent = text;
}

let fields = 0;

/** A labelled field of a form. */
export function field(label: string, control: HTMLElement, hint?: string): HTMLElement {
  control.id ||= `field-${++fields}`;
  return h("div", { class: "field" }, h("label", { for: control.id }, label), control, hint ? h("small", {}, hint) : null);
}

export function select(options: [string, string][], value: string, attributes: Attributes = {}): HTMLSelectElement {
  const list = options.map(([key, text]) => h("option", { value: key, selected: key === value }, text));
  return h("select", attributes, ...list);
}

/** A card with a title. */
export function card(title: string, attributes: Attributes, ...children: Child[]): HTMLElement {
  return h("section", { class: "card", "aria-label": title, ...attributes }, h("h2", {}, title), ...children);
}

/** What to show instead of content: what is missing, and what to do. */
export function notice(title: string, text: string, ...actions: Child[]): HTMLElement {
  return h("div", { class: "notice" }, h("h2", {}, title), h("p", {}, text), h("div", { class: "actions" }, ...actions));
}
