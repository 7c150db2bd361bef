// The network on a map: nodes by load, flows by volume, where prices are high.
import { colour, draw, textStyle, tooltip } from "./charts";
import { basisPoints, count, dollars, words } from "./format";
import type { Figures, NodeRow } from "./types";
import { projectionFor, registerMaps, US } from "./usmap";

export type Layer = "load" | "flows" | "prices";

interface MapWishes {
  layer: Layer;
  /** The node whose flows alone are drawn, and that is marked. */
  node: string | null;
  /** The number that the largest circle stands for, where maps are to be compared. */
  most?: number;
  chosen?: (node: string) => void;
}

const escapes: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };
const safe = (text: string) => text.replace(/[&<>"']/g, (mark) => escapes[mark]!);

export function mapCaption(figures: Figures, layer: Layer, node: string | null = null): string {
  if (layer === "flows") {
    const { flows, flows_shown: shown, shipments, shipments_shown: part } = figures.flow_totals;
    const all = flows === shown ? "all flows" : `the ${count(shown)} heaviest of ${count(flows)} flows`;
    if (node) return `Shipments of ${node} to their destinations (cells of 2°), of ${all}.`;
    return `Shipments from node to destination (cells of 2°): ${all}, ${count(part)} of ${count(shipments)} shipments.`;
  }
  if (layer === "prices") return "Circles: the highest price of a resource at the node, in dollars for one unit more.";
  return "Circles: shipments of the node. Colour: use of its daily capacity (grey: no limit).";
}

function load(node: NodeRow): number | null {
  const found = [node.shipments_bp, node.units_bp].filter((bp): bp is number => bp !== null);
  return found.length ? Math.max(...found) : null;
}

function heat(bp: number | null): string {
  if (bp === null) return colour("unlimited");
  if (bp >= 9500) return colour("hot");
  if (bp >= 7500) return colour("warm");
  return colour("accent");
}

function about(node: NodeRow): string {
  const lines = [
    `<b>${safe(node.node_id)}</b> ${safe(node.kind)}${node.offline ? ", offline" : ""}`,
    `${count(node.shipments)} shipments, ${count(node.units)} units`,
    `capacity used: ${basisPoints(node.shipments_bp)} of shipments, ${basisPoints(node.units_bp)} of units`,
    `cost ${dollars(node.cost_cents)}`,
  ];
  if (node.price_max_cents > 0) lines.push(`highest price ${dollars(node.price_max_cents)} a unit`);
  return lines.join("<br>");
}

/** Draw the map; nodes outside of it are left out, and their number is returned. */
export function drawMap(element: HTMLElement, figures: Figures, wishes: MapWishes): number {
  registerMaps();
  const { map, project } = projectionFor(figures.nodes);
  const { layer, node: marked } = wishes;
  const size = (node: NodeRow) => (layer === "prices" ? node.price_max_cents : node.shipments);
  const most = wishes.most ?? Math.max(1, ...figures.nodes.map(size));
  const placed = figures.nodes.map((node) => ({ node, at: project(node.lat, node.lon) })).filter(({ at }) => at !== null);
  const points = placed
    .sort((a, b) => size(b.node) - size(a.node))
    .map(({ node, at }) => ({
      name: node.node_id,
      value: at!,
      tip: about(node),
      symbolSize: layer === "flows" ? 6 : size(node) > 0 ? 5 + 27 * Math.sqrt(size(node) / most) : 4,
      itemStyle: {
        color: layer === "prices" ? (size(node) > 0 ? colour("hot") : colour("unlimited")) : layer === "flows" ? colour("ink") : heat(load(node)),
        opacity: layer === "flows" ? 0.9 : 0.72,
        borderColor: node.node_id === marked ? colour("ink") : colour("card"),
        borderWidth: node.node_id === marked ? 3 : 1,
      },
    }));
  const flows = layer === "flows" ? figures.flows.filter((flow) => marked === null || flow.node_id === marked) : [];
  const heaviest = Math.max(1, ...flows.map((flow) => flow.shipments));
  const lines = flows.flatMap((flow) => {
    const from = project(flow.node_lat, flow.node_lon);
    const to = project(flow.cell_lat, flow.cell_lon);
    if (!from || !to) return [];
    const share = Math.sqrt(flow.shipments / heaviest);
    return [
      {
        coords: [from, to],
        tip: `<b>${safe(flow.node_id)}</b> to ${flow.cell_lat.toFixed(0)}° N, ${(-flow.cell_lon).toFixed(0)}° W<br>${count(flow.shipments)} shipments, ${count(flow.units)} units, ${dollars(flow.cost_cents)}`,
        lineStyle: { width: 0.5 + 4 * share, opacity: 0.15 + 0.5 * share, color: colour("accent"), curveness: 0.15 },
      },
    ];
  });
  const chart = draw(element, `Map of ${figures.nodes.length} nodes. ${mapCaption(figures, layer)} The table beside it has the same figures.`, {
    animation: false,
    textStyle: textStyle(),
    tooltip: { ...tooltip(), trigger: "item", formatter: ({ data }: { data?: { tip?: string } }) => data?.tip ?? "" },
    geo: {
      map,
      roam: true,
      scaleLimit: { min: 1, max: 12 },
      aspectScale: map === US ? 1 : 0.8,
      top: 8,
      bottom: 8,
      left: 8,
      right: 8,
      itemStyle: { areaColor: colour("land"), borderColor: colour("line"), borderWidth: 0.7 },
      emphasis: { disabled: true },
      select: { disabled: true },
      tooltip: { show: false },
    },
    series: [
      { type: "lines", coordinateSystem: "geo", data: lines, silent: false, z: 2 },
      { type: "scatter", coordinateSystem: "geo", data: points, z: 3, emphasis: { scale: 1.15 } },
    ],
  });
  chart.off("click");
  chart.on("click", (event) => {
    if (event.componentSubType === "scatter" && event.name) wishes.chosen?.(event.name);
  });
  return figures.nodes.length - placed.length;
}

export function priceName(price: { kind: string; node_id: string; sku: string | null; service_id: string | null; date: string | null }): string {
  const what = price.kind === "stock" ? `${price.sku} at ${price.node_id}` : `${words(price.kind)} at ${price.node_id}`;
  return [what, price.kind === "stock" ? null : price.service_id, price.date].filter(Boolean).join(", ");
}
