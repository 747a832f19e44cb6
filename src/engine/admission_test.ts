import { assert, assertEquals, assertThrows } from "@std/assert";
import { KerfError } from "../core/error.ts";
import { layoutOf } from "../layout/make.ts";
import type { CodesRule } from "../layout/steps.ts";
import { Admission } from "./admission.ts";
import { KvCache } from "./cache.ts";
import type { ChannelsPlan } from "./channels_plan.ts";
import { fakeDevice } from "./testing.ts";

/** 4 layers of 2 heads with 64 channels, f16: a page of keys or values takes 16 KiB. */
function admission(limitBytes: number, kept: number | null = 16) {
  const variant = { name: "test", steps: [{ kind: "channels", of: "key" }] } as const;
  const layout = layoutOf(kept === null ? null : variant, { key: "f16", value: "f16" });
  const shape = { layout, nSlots: 2, nLayers: 4, nKvHeads: 2, headDim: 64, nCtx: 2048 };
  const cache = new KvCache(fakeDevice(), shape);
  const channels = kept === null ? null : {
    definition: variant,
    recent: 32,
    window: 32,
    widths: new Uint32Array(8).fill(kept),
  } as unknown as ChannelsPlan;
  const none = { tokens: null, valueChannels: null, bits: null, classes: null };
  return new Admission(cache, { ...none, channels }, limitBytes);
}

const KIB = 1024;
/** Pages of 1024 dense rows: 8 per stream and head. */
const DENSE_1024 = 2 * 8 * 8 * 16 * KIB;
const work = (nPrompt: number, maxTokens?: number) => ({
  nCached: 0,
  nPrompt,
  boundaries: [nPrompt],
  ...(maxTokens === undefined ? {} : { maxTokens }),
});

Deno.test("dense work takes its pages, and an open end takes what is left", () => {
  const dense = admission(DENSE_1024, null);
  assertEquals(dense.admit(work(1000, 25), null, DENSE_1024), {
    order: "chunked",
    maxTokens: 25,
    peakBytes: DENSE_1024,
  });
  // Row 1025 would need another page; the last token is sampled, never cached.
  assertEquals(dense.admit(work(1000), null, DENSE_1024)?.maxTokens, 25);
  assertEquals(dense.admit(work(1000, 26), null, DENSE_1024), null);
  assertEquals(dense.admit(work(1000), null, Infinity)?.maxTokens, 1048);
});

Deno.test("a prompt that fits only compressed runs layer by layer", () => {
  const pruned = admission(DENSE_1024 * 0.85);
  assertEquals(pruned.admit(work(1024, 1), null, DENSE_1024 * 2)?.order, "chunked");
  const admitted = pruned.admit(work(1024, 1), null, DENSE_1024 * 0.85);
  assertEquals(admitted?.order, "layered");
  assert(admitted!.peakBytes <= DENSE_1024 * 0.85);
  // A prompt that continues a cache cannot be redone layer by layer.
  const later = { nCached: 0, nPrompt: 1024, boundaries: [1024], maxTokens: 1 };
  assertEquals(pruned.admit({ ...later, nCached: 1000 }, 0, 0), null);
});

/** 16 layers of 2 heads with 64 channels; older rows are codes of `bits` bits. */
function coding(bits: 2 | 8) {
  const rule = (of: "key" | "value", along: "rows" | "channels"): CodesRule => ({
    ...{ kind: "codes", of, flush: { rows: 128, atRows: 256 } },
    code: { kind: "affine", bits, along, group: 32 },
  });
  const steps = [rule("key", "rows"), rule("value", "channels")];
  const layout = layoutOf({ name: "test", steps }, { key: "f16", value: "f16" });
  const shape = { layout, nSlots: 2, nLayers: 16, nKvHeads: 2, headDim: 64, nCtx: 4096 };
  const none = { tokens: null, channels: null, valueChannels: null, bits: null, classes: null };
  return new Admission(new KvCache(fakeDevice(), shape), none, Infinity);
}

Deno.test("alone, a prompt runs layer by layer where that halves the bytes", () => {
  const order = (bits: 2 | 8, nPrompt: number, alone: boolean) =>
    coding(bits).admit(work(nPrompt, 1), null, Infinity, { alone })?.order;
  // Dense, 2000 rows take 16 MiB.
  assertEquals(order(2, 2000, true), "layered");
  assertEquals(order(2, 2000, false), "chunked");
  assertEquals(order(8, 2000, true), "chunked");
  // 4 MiB are not worth it.
  assertEquals(order(2, 500, true), "chunked");
  const later = { ...work(2000, 1), nCached: 1 };
  const peak = coding(2).admit({ ...later, boundaries: [2000] }, null, Infinity, { alone: true });
  assertEquals(peak?.order, "chunked");
});

Deno.test("what fits nowhere is refused with numbers and what to lower", () => {
  const pruned = admission(100 * KIB);
  const error = assertThrows(() => pruned.checkBudget(work(1024, 1), null), KerfError);
  assert(error.message.includes("--kv-max 100.0 KiB"), error.message);
  assert(error.message.includes("needs 1.5 MiB"), error.message);
  assert(error.hints[0] === "--kv-max 2M", error.hints[0]);
});

Deno.test("context overflow is refused before work starts", () => {
  const any = admission(Infinity);
  const refused = (n: number, maxTokens: number | undefined, text: string) => {
    const error = assertThrows(() => any.checkContext(work(n, maxTokens)), KerfError, text);
    return error.hints[0]!;
  };
  any.checkContext(work(2047));
  any.checkContext(work(2000, 48));
  assertEquals(refused(2000, 49, "2000 tokens and 49 tokens of answer"), "ask for at most -n 48");
  assert(refused(2048, undefined, "a prompt of 2048 tokens in the context: it holds 2048"));
  refused(0, 5, "an empty prompt");
});
