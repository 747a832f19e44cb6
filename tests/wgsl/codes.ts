/**
 * Codes of rows as WGSL where the adapter divides as badly as WGSL allows, 2.5 units in the last place off:
 * every byte is still the CPU's. The division that the header's functions start from is made worse here.
 */

import { assertEquals } from "@std/assert";
import { projectRoot } from "../../src/sys/cache_dir.ts";
import { encodeRun } from "../_encode_case.ts";
import type { EncodeCase } from "../_encode_case.ts";
import { runNamed as runOnCpu } from "../_kernel.ts";
import { gpuTest, render, runEmitted } from "../_wgsl.ts";

const INCLUDE = '#include "kerf.wgsl"';
const DIVISIONS = ["a / b", "steps / group.x"];

/** The header with the quotients that codes are made of off by a factor. */
async function worseHeader(factor: number): Promise<string> {
  const header = await Deno.readTextFile(`${projectRoot()}/templates/wgsl/kerf.wgsl`);
  const from = header.indexOf("fn kerf_divide_small");
  return header.slice(0, from) + DIVISIONS.reduce((text, division) => {
    assertEquals(text.split(division).length, 2, `${division} stands once`);
    return text.replace(division, `${division} * ${factor}`);
  }, header.slice(from));
}

async function assertEncoded(given: EncodeCase, header: string): Promise<void> {
  const { name, run } = encodeRun(given);
  const kernel = await render(name);
  const text = kernel.texts.wgsl!;
  assertEquals(text.split(INCLUDE).length, 2);
  const texts = { wgsl: text.replace(INCLUDE, header) };
  const got = await runEmitted({ ...kernel, texts }, run);
  assertEquals(got.arena, (await runOnCpu(name, run)).arena, given.to);
}

gpuTest("WGSL: codes are the CPU's where division is off in its last bits", async () => {
  for (const off of [-2.5, 2.5]) {
    const header = await worseHeader(1 + off * 2 ** -23);
    await assertEncoded({ stream: "key", to: "q2r32t16", rows: [64, 32] }, header);
    await assertEncoded({ stream: "key", to: "q4r32t16", rows: [64, 32] }, header);
    await assertEncoded({ stream: "value", to: "q8c32t1", rows: [90] }, header);
  }
});
