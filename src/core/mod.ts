/** What every other folder may import: types, sizes and errors. Imports nothing. */
export * from "./dtype.ts";
export * from "./error.ts";
export * from "./manifest.ts";
export * from "./nearest.ts";
export * from "./packing.ts";
export * from "./quantized_row.ts";
export * from "./signature.ts";
export * from "./storage.ts";
export * from "./tiles.ts";
