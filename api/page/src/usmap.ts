// The outlines of the states, projected (Albers, with Alaska and Hawaii beside), and the same projection for points.
import { geoAlbersUsa } from "d3-geo";
import { registerMap } from "echarts/core";
import type { FeatureCollection, Geometry, Position } from "geojson";
import { feature } from "topojson-client";
import type { GeometryCollection, Topology } from "topojson-specification";
import atlas from "us-atlas/states-albers-10m.json";

export const US = "us";
export const PLAIN = "plain";

const albers = geoAlbersUsa().scale(1300).translate([487.5, 305]); // as us-atlas was projected
const TERRITORIES = 56; // FIPS codes of states end with Wyoming's

type Projection = (lat: number, lon: number) => [number, number] | null;

function flipped(position: Position): Position {
  return [position[0]!, -position[1]!];
}

function flip(geometry: Geometry): Geometry {
  if (geometry.type === "Polygon") return { ...geometry, coordinates: geometry.coordinates.map((ring) => ring.map(flipped)) };
  if (geometry.type === "MultiPolygon")
    return { ...geometry, coordinates: geometry.coordinates.map((parts) => parts.map((ring) => ring.map(flipped))) };
  return geometry;
}

let registered = false;

/** Register both maps once; returns nothing. */
export function registerMaps(): void {
  if (registered) return;
  registered = true;
  const topology = atlas as unknown as Topology<{ states: GeometryCollection<{ name: string }> }>;
  const states = feature(topology, topology.objects.states);
  const outlines: FeatureCollection = {
    type: "FeatureCollection",
    features: states.features
      .filter((state) => Number(state.id) <= TERRITORIES)
      .map((state) => ({ ...state, geometry: flip(state.geometry) })),
  };
  registerMap(US, outlines as never);
  const ring: Position[] = [[-180, -60], [180, -60], [180, 75], [-180, 75], [-180, -60]];
  const frame: FeatureCollection = {
    type: "FeatureCollection",
    features: [{ type: "Feature", properties: { name: "" }, geometry: { type: "Polygon", coordinates: [ring] } }],
  };
  registerMap(PLAIN, frame as never);
}

/** Where a place is on the map of the states; null outside. */
export const onStates: Projection = (lat, lon) => {
  const found = albers([lon, lat]);
  return found && [found[0], -found[1]];
};

/** Choose the map of the states where most places are in it, else plain degrees. */
export function projectionFor(places: { lat: number; lon: number }[]): { map: string; project: Projection } {
  const inside = places.filter(({ lat, lon }) => onStates(lat, lon) !== null).length;
  if (places.length === 0 || 2 * inside >= places.length) return { map: US, project: onStates };
  return { map: PLAIN, project: (lat, lon) => [lon, lat] };
}
