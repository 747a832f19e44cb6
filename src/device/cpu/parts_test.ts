/** Items that wait for their own parts: the tables, bits over long chains, and that no other part is waited for. */

import { assertEquals, assertThrows } from "@std/assert";
import type { GridFactor } from "../../core/signature.ts";
import { testDevice } from "../testing.ts";
import type { Device, Invocation, KernelRequest } from "../types.ts";
import { MAX_PARTS, partTable } from "./parts.ts";
import { header, holdFirst, mixParts, raise, words } from "./toy_testing.ts";

const N_PARTS = 5;
const invocation = ({ entry }: KernelRequest): Invocation => (
  { kernel: { entry }, label: "mix", buffers: {}, constants: { n_parts: N_PARTS } }
);

Deno.test("a table has each part's places and each place's parts", () => {
  const mix = invocation(mixParts({ per: 2, rowsFirst: false }));
  const grid: GridFactor[] = [{ of: 7 }, { of: { constant: "n_parts" }, per: 2 }];
  const table = partTable(mix, { parts: { along: "n_parts", of: [0, 0, 1, 0, 2] }, grid });
  const { factor, nPlaces, words } = table;
  assertEquals({ factor, nPlaces }, { factor: 1, nPlaces: 3 });
  assertEquals([...words.subarray(0, 4)], [2, 1, 1, 0]);
  assertEquals([...words.subarray(MAX_PARTS)], [0b1, 0b11, 0b100]);
  const folded = partTable(mix, {
    parts: { along: "n_parts", of: [31, 32, 33, 64, 65] },
    grid,
  });
  assertEquals([...folded.words.subarray(MAX_PARTS)], [0x80000001, 0b11, 0b10]);
  const fails = (along: string, of: number[], message: string) =>
    assertThrows(() => partTable(mix, { parts: { along, of }, grid }), TypeError, message);
  fails("n_rows", [0, 1], 'its parts are along "n_rows", its grid is not');
  fails("n_parts", [0, 1], 'it has parts of 2 "n_parts", and these are 5');
});

/** `depth` kernels of three grids in turns, each item of which needs items of its part that came before. */
async function mixChain(device: Device, nRows: number, depth: number): Promise<Uint32Array> {
  const kernels = await device.compile(
    [
      { per: 1, rowsFirst: false },
      { per: 1, rowsFirst: true },
      { per: 2, rowsFirst: true },
    ].map(mixParts),
  );
  const [empty] = await device.compile([mixParts({ per: 1, rowsFirst: true, rowsField: "nSeqs" })]);
  const bytes = 4 * N_PARTS * nRows;
  const [x, y] = [device.allocate(bytes, "x"), device.allocate(bytes, "y")];
  device.write(x, Uint32Array.from({ length: bytes / 4 }, (_, i) => i));
  const parts = { along: "n_parts", of: Array.from({ length: N_PARTS }, (_, i) => i) };
  const program = device.prepare(
    Array.from({ length: depth }, (_, k): Invocation[] => {
      const buffers = { x: { buffer: k % 2 ? y : x }, y: { buffer: k % 2 ? x : y } };
      const mixed = { label: `mix ${k}`, buffers, constants: { n_parts: N_PARTS, shift: k } };
      // Here and there a full barrier, and a level with nothing to do.
      const own = k % 10 === 9 ? mixed : { ...mixed, parts };
      const idle = k % 7 === 3 ? [{ kernel: empty!, ...own }] : [];
      return [{ kernel: kernels[k % 3]!, ...own }, ...idle];
    }).flat(),
  );
  await device.run(program, header(nRows));
  const out = await words(device, depth % 2 ? y : x);
  device.free(x);
  device.free(y);
  return out;
}

Deno.test("a long chain of invocations in parts is exact on any number of threads", async () => {
  for (const [nRows, depth] of [[1, 31], [2, 100], [40, 100]] as const) {
    let expected = Uint32Array.from({ length: N_PARTS * nRows }, (_, i) => i);
    for (let k = 0; k < depth; k++) {
      expected = expected.map((v, i) => {
        const [part, row] = [Math.floor(i / nRows), i % nRows];
        return Math.imul(31, v) + expected[part * nRows + (row + k) % nRows]! + 1;
      });
    }
    for (const threads of [1, 2, 3, 8]) {
      const device = await testDevice({ threads });
      for (let run = 0; run < 10; run++) {
        assertEquals(await mixChain(device, nRows, depth), expected, `${threads} threads`);
      }
    }
  }
});

Deno.test("an item runs while items of other parts do not end", async () => {
  const device = await testDevice();
  const [hold, raised] = await device.compile([holdFirst, raise]);
  const flag = device.allocate(8, "flag");
  const both = { label: "toy", buffers: { flag: { buffer: flag } }, constants: { n_parts: 2 } };
  await device.run(
    device.prepare([
      { kernel: hold!, ...both, parts: { along: "n_parts", of: [0, 1] } },
      { kernel: raised!, ...both, parts: { along: "n_parts", of: [1, 1] } },
    ]),
    header(),
  );
  // The first item of the first kernel ended because the second kernel's had run.
  assertEquals([...await words(device, flag)], [1, 1]);
  device.free(flag);
});
