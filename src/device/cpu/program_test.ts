/** Preparing a program: what reaches a kernel, how many items it gets, and every name that is refused. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { type GridFactor, STEP_FIELDS } from "../../core/signature.ts";
import { testDevice } from "../testing.ts";
import type { Invocation } from "../types.ts";
import { echo, header, mix, touch, words } from "./toy_testing.ts";

Deno.test("addresses, constants and the step reach the kernel where the signature says", async () => {
  const device = await testDevice();
  const y = device.allocate(36, "y");
  const [kernel] = await device.compile([echo]);
  const constants = { a: 4294967295, b: -5, c: 0.1 };
  const program = device.prepare([
    { kernel: kernel!, label: "echo", buffers: { y: { buffer: y } }, constants },
  ]);
  await device.run(program, header(1, 2, 3, 4, 5, 6));
  const out = await words(device, y);
  assertEquals(out[0], 4294967295);
  assertEquals(new Int32Array(out.buffer)[1], -5);
  assertEquals(new Float32Array(out.buffer)[2], Math.fround(0.1));
  assertEquals([...out.subarray(3)], [1, 2, 3, 4, 5, 6]);
  device.free(y);
});

Deno.test("a grid is the product of ceil(value / per), and each item runs exactly once", async () => {
  const constants: Record<string, number> = { rows_field: 2, width: 33, one: 1 };
  const factor: fc.Arbitrary<GridFactor> = fc.record({
    of: fc.oneof(
      fc.integer({ min: 0, max: 9 }),
      fc.constant({ constant: "width" }),
      fc.constantFrom(...STEP_FIELDS).map((step) => ({ step })),
      fc.constantFrom("rows_field", "one").map((stepAt) => ({ stepAt })),
    ),
    per: fc.integer({ min: 1, max: 17 }),
  });
  const step = header(7, 1, 40, 0, 13, 2);
  const value = ({ of }: GridFactor) => {
    if (typeof of === "number") return of;
    if ("constant" in of) return constants[of.constant]!;
    return step["step" in of ? STEP_FIELDS.indexOf(of.step) : constants[of.stepAt]!]!;
  };
  const property = fc.asyncProperty(fc.array(factor, { maxLength: 4 }), async (grid) => {
    const items = grid.reduce((n, f) => n * Math.ceil(value(f) / (f.per ?? 1)), 1);
    fc.pre(items < 1 << 20);
    const device = await testDevice();
    const [kernel] = await device.compile([touch(grid, Object.keys(constants))]);
    const y = device.allocate(4 * (items + 1), "y");
    const buffers = { y: { buffer: y } };
    await device.run(
      device.prepare([{ kernel: kernel!, label: "touch", buffers, constants }]),
      step,
    );
    const out = await words(device, y);
    device.free(y);
    assert(out.subarray(0, items).every((count) => count === 1), "an item ran twice or never");
    assertEquals(out[items], 0);
  });
  await fc.assert(property, { seed: 20, numRuns: 100 });
});

Deno.test("per may be left out", async () => {
  const device = await testDevice();
  const [kernel] = await device.compile([touch([{ of: 3 }, { of: { step: "nSeqs" } }])]);
  const y = device.allocate(64, "y");
  const invocation = {
    kernel: kernel!,
    label: "touch",
    buffers: { y: { buffer: y } },
    constants: {},
  };
  await device.run(device.prepare([invocation]), header(0, 4));
  assertEquals((await words(device, y)).indexOf(0), 12);
  device.free(y);
});

Deno.test("prepare names kernel, label and what is wrong", async () => {
  const device = await testDevice();
  const [kernel, gridded] = await device.compile([
    mix,
    touch([{ of: { stepAt: "field" } }], ["field"]),
  ]);
  const x = device.allocate(64, "x");
  const slice = { buffer: x };
  const good = { kernel: kernel!, label: "layer 3 · mix", buffers: { x: slice, y: slice } };
  const fails = (invocation: Partial<Invocation>, message: string) =>
    assertThrows(
      () => device.prepare([{ ...good, constants: { shift: 0 }, ...invocation }]),
      TypeError,
      message,
    );
  const at = 'Cannot prepare kernel "mix" for "layer 3 · mix": ';
  fails({ buffers: { x: slice } }, `${at}buffer "y" is missing`);
  fails({ buffers: { ...good.buffers, z: slice } }, `${at}it has no buffer "z"`);
  fails({ buffers: { ...good.buffers, step: slice } }, `${at}buffer "step" is the device's own`);
  fails({ constants: {} }, `${at}constant "shift" is missing`);
  fails({ constants: { shift: 0, other: 1 } }, `${at}it has no constant "other"`);
  for (const shift of [-1, 0.5, NaN, 2 ** 32]) {
    fails({ constants: { shift } }, `${at}constant "shift" is ${shift}, which is no u32`);
  }
  fails({ kernel: { entry: mix.entry } }, `${at}it was not compiled here`);
  const touching = { kernel: gridded!, buffers: { y: slice } };
  fails({ ...touching, constants: { field: 6 } }, 'constant "field" is 6, which is no field');
  const other = { buffer: { label: "foreign", bytes: 64 } };
  fails({ buffers: { x: other, y: slice } }, 'buffer "foreign": it was freed or is not');
  device.free(x);
});
