/**
 * Parity of CUDA without a GPU: the cases of tests/gpu/ on the checked emulator, which hold every generated
 * kernel to its reference, and the bits of the CPU where it promises them.
 */

import { render, runEmitted } from "./_cuda.ts";
import { testOn } from "./_gpu.ts";

await testOn({
  name: "CUDA, emulated",
  exact: true,
  test: (name, fn) => Deno.test(name, fn),
  render,
  run: runEmitted,
});
