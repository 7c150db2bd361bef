// Charts: ECharts with only what is used, in the colours of the page.
import { BarChart, LineChart, LinesChart, ScatterChart } from "echarts/charts";
import { GeoComponent, GridComponent, LegendComponent, TooltipComponent } from "echarts/components";
import { type EChartsCoreOption, type EChartsType, init, use } from "echarts/core";
import { CanvasRenderer } from "echarts/renderers";
import { dollars, percent, shortDollars } from "./format";
import { TERMS } from "./kpis";
import type { Kpis, TracePoint } from "./types";

use([BarChart, LineChart, LinesChart, ScatterChart, GeoComponent, GridComponent, LegendComponent, TooltipComponent, CanvasRenderer]);

const live = new Map<HTMLElement, EChartsType>();
const sizes = new ResizeObserver((entries) => {
  for (const { target } of entries) live.get(target as HTMLElement)?.resize();
});

export function colour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

/** Draw into an element, which says in words what is drawn. */
export function draw(element: HTMLElement, label: string, option: EChartsCoreOption): EChartsType {
  let chart = live.get(element);
  if (!chart) {
    chart = init(element, undefined, { renderer: "canvas" });
    live.set(element, chart);
    sizes.observe(element);
    element.setAttribute("role", "img");
  }
  element.setAttribute("aria-label", label);
  chart.setOption(option, { notMerge: true });
  return chart;
}

/** Let go of charts whose elements are gone. */
export function sweep(): void {
  for (const [element, chart] of live) {
    if (element.isConnected) continue;
    sizes.unobserve(element);
    chart.dispose();
    live.delete(element);
  }
}

export function textStyle(): { color: string; fontSize: number; fontFamily: string } {
  return { color: colour("quiet"), fontSize: 11, fontFamily: getComputedStyle(document.body).fontFamily };
}

export function tooltip(): Record<string, unknown> {
  return {
    backgroundColor: colour("card"),
    borderColor: colour("line"),
    textStyle: { color: colour("ink"), fontSize: 12 },
    confine: true,
    transitionDuration: 0,
  };
}

function axis(name: string, write?: (value: number) => string): Record<string, unknown> {
  return {
    name,
    nameTextStyle: textStyle(),
    axisLabel: { ...textStyle(), ...(write ? { formatter: write } : {}) },
    axisLine: { lineStyle: { color: colour("line") } },
    axisTick: { show: false },
    splitLine: { lineStyle: { color: colour("faint") } },
  };
}

/** Objective and bound closing in over the time of the search. */
export function convergence(element: HTMLElement, trace: TracePoint[], now?: number): void {
  const timed = trace.every((point) => point.seconds !== null);
  const at = (point: TracePoint, index: number) => (timed ? point.seconds! : index + 1);
  const series = (pick: (point: TracePoint) => number | null) => {
    const found = trace.map((point, index) => [at(point, index), pick(point)]).filter(([, cents]) => cents !== null);
    const last = found.at(-1);
    if (last && now !== undefined && now > last[0]!) found.push([now, last[1]!]);
    return found;
  };
  const objective = series((point) => point.objective_cents);
  const bound = series((point) => point.bound_cents);
  const final = Number(objective.at(-1)?.[1] ?? 0);
  const lowest = Math.min(...bound.map(([, cents]) => Number(cents)), final);
  const top = Math.min(Math.max(...objective.map(([, cents]) => Number(cents)), final), final + 1.5 * Math.max(final - lowest, 0.02 * Math.abs(final)));
  const pad = 0.04 * Math.max(top - lowest, 1);
  const line = (name: string, data: unknown[], tone: string, width = 2) => ({
    name,
    type: "line",
    step: "end",
    showSymbol: data.length < 12,
    symbolSize: 5,
    data,
    color: tone,
    lineStyle: { width, color: tone },
  });
  const gap = final ? percent((final - Number(bound.at(-1)?.[1] ?? 0)) / Math.max(1, Math.abs(final)), 2) : "";
  draw(element, `Objective ${dollars(final)} and bound ${dollars(Number(bound.at(-1)?.[1] ?? 0))}, ${gap} apart`, {
    animation: false,
    grid: { left: 62, right: 16, top: 30, bottom: 36 },
    legend: { top: 0, right: 8, textStyle: textStyle(), itemWidth: 14, itemHeight: 8 },
    tooltip: { ...tooltip(), trigger: "axis", valueFormatter: (value: number) => dollars(value) },
    xAxis: { type: "value", min: 0, ...axis(timed ? "seconds" : "step"), nameLocation: "middle", nameGap: 22, splitLine: { show: false } },
    yAxis: { type: "value", min: lowest - pad, max: top + pad, ...axis("", shortDollars), axisLabel: { ...textStyle(), formatter: shortDollars, showMinLabel: false, showMaxLabel: false } },
    series: [line("objective", objective, colour("accent")), line("bound", bound, colour("second"))],
  });
}

/** Each cost term, of one plan or of several side by side. */
export function termBars(element: HTMLElement, plans: { name: string; kpis: Kpis }[]): void {
  const shown = TERMS.filter(([term]) => plans.some(({ kpis }) => Number(kpis[term]) !== 0));
  const tones = [colour("accent"), colour("second")];
  const label = plans.map(({ name, kpis }) => `${name}: ${shown.map(([term, word]) => `${word} ${dollars(Number(kpis[term]))}`).join(", ")}`);
  draw(element, `Cost by term. ${label.join(". ")}`, {
    animation: false,
    grid: { left: 84, right: 62, top: plans.length > 1 ? 26 : 6, bottom: 24 },
    ...(plans.length > 1 ? { legend: { top: 0, right: 8, textStyle: textStyle(), itemWidth: 10, itemHeight: 10 } } : {}),
    tooltip: { ...tooltip(), trigger: "axis", axisPointer: { type: "shadow" }, valueFormatter: (value: number) => dollars(value) },
    xAxis: { type: "value", ...axis("", shortDollars), splitNumber: 3 },
    yAxis: { type: "category", inverse: true, data: shown.map(([, word]) => word), ...axis(""), splitLine: { show: false } },
    series: plans.map(({ name, kpis }, index) => ({
      name,
      type: "bar",
      barMaxWidth: 16,
      barGap: "15%",
      color: tones[index],
      data: shown.map(([term]) => Number(kpis[term])),
      label: { show: true, position: "right", ...textStyle(), fontSize: plans.length > 1 ? 10 : 11, formatter: ({ value }: { value: number }) => shortDollars(value) },
      labelLayout: { hideOverlap: true },
    })),
  });
}
