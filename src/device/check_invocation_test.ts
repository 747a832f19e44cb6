import { assertEquals, assertThrows } from "@std/assert";
import type { KernelEntry } from "../core/manifest.ts";
import { checkInvocation } from "./check_invocation.ts";
import type { DeviceBuffer, Invocation } from "./types.ts";

const [memory, file] = ["memory", "file"].map((label): DeviceBuffer => ({ label, bytes: 64 }));
const [x, y] = [{ buffer: file!, offset: 4 }, { buffer: memory! }];

const entry: KernelEntry = {
  signature: {
    name: "mix",
    defines: [],
    bindings: [
      { name: "x", dtype: "f32", access: "read", shape: ["n"] },
      { name: "step", dtype: "u32", access: "read", shape: ["n"] },
      { name: "y", dtype: "f32", access: "write", shape: ["n"] },
    ],
    constants: [
      { name: "whole", dtype: "u32" },
      { name: "signed", dtype: "i32" },
      { name: "real", dtype: "f32" },
    ],
  },
  sources: {},
  authored: [],
};

const constants = { whole: 2 ** 32 - 1, signed: -1, real: 0.1 };
const good: Invocation = { kernel: { entry }, label: "layer 3", buffers: { x, y }, constants };
const check = (changes: Partial<Invocation>) =>
  checkInvocation({ ...good, ...changes }, (buffer) => buffer === file);

Deno.test("an invocation's slices in the signature's order, null for the step", () => {
  assertEquals(check({}), [x, null, y]);
});

Deno.test("a constant of f32 may be any number", () => {
  for (const real of [NaN, Infinity, -0]) check({ constants: { ...constants, real } });
});

Deno.test("what an invocation lacks, has too much or gives wrongly is named", () => {
  const fails = (changes: Partial<Invocation>, reason: string) =>
    assertThrows(
      () => check(changes),
      TypeError,
      `Cannot prepare kernel "mix" for "layer 3": ${reason}`,
    );
  fails({ buffers: { x } }, 'buffer "y" is missing');
  fails({ buffers: { x, y, z: y } }, 'it has no buffer "z"');
  fails({ buffers: { x, y, step: y } }, 'buffer "step" is the device\'s own: leave it out');
  fails({ buffers: { x, y: x } }, 'it writes buffer "y", which is a file\'s');
  fails({ constants: { whole: 1, signed: 1 } }, 'constant "real" is missing');
  fails({ constants: { ...constants, other: 1 } }, 'it has no constant "other"');
  for (const whole of [-1, 0.5, NaN, 2 ** 32]) {
    fails({ constants: { ...constants, whole } }, `constant "whole" is ${whole}, which is no u32`);
  }
  for (const signed of [2 ** 31, -0.5, Infinity]) {
    fails({ constants: { ...constants, signed } }, `constant "signed" is ${signed}, which is no`);
  }
});
