// Numbers as people read them. Money comes in integer cents.

const whole = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });
const one = new Intl.NumberFormat("en-US", { minimumFractionDigits: 1, maximumFractionDigits: 1 });
const two = new Intl.NumberFormat("en-US", { minimumFractionDigits: 2, maximumFractionDigits: 2 });

export type Maybe = number | null | undefined;
export const NONE = "–";

export function count(value: Maybe): string {
  return value === null || value === undefined ? NONE : whole.format(value);
}

/** Dollars: whole from a thousand on. */
export function dollars(cents: Maybe): string {
  if (cents === null || cents === undefined) return NONE;
  const size = Math.abs(cents) / 100;
  return `${cents < 0 ? "−" : ""}$${size >= 1000 ? whole.format(size) : two.format(size)}`;
}

/** Dollars on an axis. */
export function shortDollars(cents: number): string {
  const size = Math.abs(cents) / 100;
  const sign = cents < 0 ? "−" : "";
  if (size >= 1e6) return `${sign}$${two.format(size / 1e6)}m`;
  if (size >= 1e4) return `${sign}$${one.format(size / 1e3)}k`;
  return `${sign}$${whole.format(size)}`;
}

/** A large number in a small place. */
export function short(value: Maybe): string {
  if (value === null || value === undefined) return NONE;
  if (Math.abs(value) >= 1e6) return `${two.format(value / 1e6)}m`;
  return Math.abs(value) >= 1e5 ? `${one.format(value / 1e3)}k` : whole.format(value);
}

export function percent(share: Maybe, digits = 1): string {
  if (share === null || share === undefined || !Number.isFinite(share)) return NONE;
  return `${(100 * share).toFixed(digits)} %`;
}

export function basisPoints(bp: Maybe): string {
  return bp === null || bp === undefined ? NONE : `${(bp / 100).toFixed(0)} %`;
}

export function seconds(value: Maybe): string {
  if (value === null || value === undefined) return NONE;
  return value < 10 ? `${value.toFixed(1)} s` : `${whole.format(value)} s`;
}

/** A difference with its sign. */
export function signed(value: number, write: (value: number) => string): string {
  if (value === 0) return "±0";
  return `${value > 0 ? "+" : "−"}${write(Math.abs(value))}`;
}

export function instant(text: string): string {
  const at = new Date(text);
  return at.toLocaleString("en-US", { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", hour12: false });
}

/** The model's words as people say them. */
export function words(name: string): string {
  return name.replaceAll("_", " ");
}
