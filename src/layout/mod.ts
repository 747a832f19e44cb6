/** The layout algebra: how the rows of a KV cache are stored, named, counted and drawn. */
export * from "./becomes_whole.ts";
export * from "./bytes.ts";
export * from "./check.ts";
export * from "./coded.ts";
export * from "./make.ts";
export * from "./name.ts";
export * from "./offset.ts";
export * from "./picture.ts";
export * from "./row_classes.ts";
export { fullSegment, listSegment } from "./segments.ts";
export * from "./sets.ts";
export * from "./steps.ts";
export * from "./types.ts";
