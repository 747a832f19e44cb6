/**
 * Parity on the WebGPU adapter: the cases of tests/gpu/, which hold every generated kernel to its
 * reference, then what is WGSL's own.
 */

import { testOn } from "./_gpu.ts";
import { gpuTest, render, runEmitted } from "./_wgsl.ts";

await testOn({
  name: "WGSL",
  target: "wgsl",
  exact: false,
  test: gpuTest,
  render,
  run: runEmitted,
});
await import("./wgsl/expressions.ts");
await import("./wgsl/codes.ts");
