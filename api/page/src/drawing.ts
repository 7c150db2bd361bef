// What draws, in one chunk: it loads while the first figures are asked for.
export { convergence, draw, sweep, termBars } from "./charts";
export { drawMap, mapCaption, priceName } from "./map";
export { makeTable } from "./tables";
