/**
 * The embedding gather of every packed order, to the bit, against the same weights read one at a time and
 * passed through the author's function and the interpreter.
 */

import { assertEquals } from "@std/assert";
import { packedGroupBytes, PACKINGS } from "../../src/core/mod.ts";
import type { PackingName } from "../../src/core/mod.ts";
import { testIsas } from "../../src/device/testing.ts";
import type { Isa } from "../../src/device/testing.ts";
import { loadSources } from "../../src/emit/sources.ts";
import type { KernelSource } from "../../src/emit/types.ts";
import {
  embeddingReference,
  packCodes,
  packValues,
  unpackWeights,
} from "../../src/reference/mod.ts";
import { projectRoot } from "../../src/sys/cache_dir.ts";
import { bothHooks } from "../_hooks.ts";
import { randomFrom, runNamed } from "../_kernel.ts";

const { sources } = await loadSources(projectRoot());
const isas = await testIsas();

const N_VOCAB = 40;

/** The first rows of a table's parts: packed groups of sixteen, and the last one short. */
const PARTS = [0, 16, 32, N_VOCAB];

/** Random packed weights: f32 [N_VOCAB, width]. */
function randomWeights(packing: PackingName, width: number): Uint8Array<ArrayBuffer> {
  const { codes, group, scaleType } = PACKINGS[packing];
  const random = randomFrom(width);
  const shape = { nOut: N_VOCAB, nIn: width };
  const numbers = (n: number, make: () => number) => Array.from({ length: n }, make);
  const n = N_VOCAB * width;
  if (scaleType === null) {
    // Seven bits and a power of two, which every type holds exactly.
    const value = () => Math.round(64 * random()) * 2 ** Math.round(4 * random());
    return packValues(packing, { ...shape, values: numbers(n, value) });
  }
  const top = codes === "u4" ? 8 : 128;
  const round = scaleType === "f16" ? Math.f16round : Math.fround;
  return packCodes(packing, {
    ...shape,
    codes: numbers(n, () => Math.floor((random() + 1) * top)),
    scales: numbers(n / group, () => round(random())),
    offsets: numbers(n / group, () => round(100 * random())),
  });
}

async function assertEmbedding(source: KernelSource, packing: PackingName, isa: Isa) {
  for (const width of [32, 256, 576]) {
    const packed = randomWeights(packing, width);
    const weight = unpackWeights(packing, packed, { nOut: N_VOCAB, nIn: width });
    const tokens = Uint32Array.of(0, 39, 15, 16, 15, 31);
    const stride = width + 9;
    const { y } = await runNamed(`${source.definition.name}__${packing}`, {
      buffers: { tokens, weight: packed, y: new Float32Array(tokens.length * stride).fill(-7) },
      constants: { width, y_stride: stride, first_row: 0, n_rows: N_VOCAB },
      step: { nRows: tokens.length },
      isa,
    });
    bothHooks(source).forEach(({ each }, which) => {
      const want = new Float32Array(y!.length).fill(-7);
      tokens.forEach((token, r) =>
        want.set(embeddingReference([token], { weight, width, each: each! }), r * stride)
      );
      assertEquals(y, want, `${packing} ${isa}, width ${width}, reference ${which}`);
    });
  }
}

/** Lesser instruction sets differ in how halves and bytes are read: one order of each kind shows that. */
const ON_EVERY_ISA: readonly PackingName[] = ["f16", "bf16", "q4_f16_g32", "q8_f32_g16"];

async function assertParts(source: KernelSource, packing: PackingName) {
  const width = 64;
  const packed = randomWeights(packing, width);
  const groupBytes = packedGroupBytes(PACKINGS[packing], width);
  const tokens = Uint32Array.of(39, 0, 31, 16, 15, 32, 0);
  const name = `${source.definition.name}__${packing}`;
  const run = async (y: Float32Array<ArrayBuffer>, [first, end]: readonly [number, number]) => {
    const weight = packed.slice(first / 16 * groupBytes, Math.ceil(end / 16) * groupBytes);
    const written = await runNamed(name, {
      buffers: { tokens, weight, y },
      constants: { width, y_stride: width, first_row: first, n_rows: end - first },
      step: { nRows: tokens.length },
    });
    return written.y!;
  };
  const untouched = new Float32Array(tokens.length * width).fill(-7);
  const whole = await run(untouched, [0, N_VOCAB]);
  let parts = untouched;
  for (const [i, first] of PARTS.slice(0, -1).entries()) {
    parts = await run(parts, [first, PARTS[i + 1]!]);
    tokens.forEach((token, r) => {
      const from = token < PARTS[i + 1]! ? whole : untouched;
      const row = (of: Float32Array) => of.slice(r * width, (r + 1) * width);
      assertEquals(row(parts), row(from), `${packing}: token ${token} after part ${i + 1}`);
    });
  }
}

for (const source of sources.filter((s) => s.definition.kind === "embedding")) {
  for (const packing of Object.keys(PACKINGS) as PackingName[]) {
    for (const isa of ON_EVERY_ISA.includes(packing) ? isas : isas.slice(0, 1)) {
      Deno.test(`${source.definition.name} ${packing}: the packed values' bits (${isa})`, () =>
        assertEmbedding(source, packing, isa));
    }
    Deno.test(`${source.definition.name} ${packing}: parts of a table fill their tokens' rows`, () =>
      assertParts(source, packing));
  }
}
