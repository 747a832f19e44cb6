/**
 * A whole model on the CUDA device without a GPU: the emulated driver and emulated kernels, through the
 * same engine, held to the CPU's logits. Two layers, three query heads to a KV head, random weights.
 */

import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import { load } from "kerf";
import type { ChatMessage, LoadOptions } from "kerf";
import { loadEmulatedDriver } from "../src/device/cuda/emulator/emulated_driver.ts";
import { openEmulatedCuda } from "../src/device/cuda/emulator/open.ts";
import { openCpuDevice } from "../src/device/mod.ts";
import { testFolder } from "../src/model/testing_files.ts";
import { tinyModel } from "../src/model/testing.ts";
import type { TinyModelOptions } from "../src/model/testing.ts";
import { cacheDir } from "../src/sys/cache_dir.ts";
import { assertClose } from "./_close.ts";
import { runTurns, SHORT } from "./_turns.ts";
import type { Lengths } from "./_turns.ts";

const emulated = await loadEmulatedDriver(join(cacheDir(), "emulated"));

async function compare(
  shape: TinyModelOptions,
  options: LoadOptions,
  { bound, lengths = SHORT, ...emulation }: {
    readonly bound: number;
    readonly lengths?: Lengths;
    readonly checked: boolean;
    readonly cublas?: boolean;
  },
): Promise<void> {
  await using folder = await testFolder();
  const path = await folder.write("tiny.gguf", tinyModel({ nHeads: 6, nKvHeads: 2, ...shape }));
  const run = async (openDevice: NonNullable<LoadOptions["openDevice"]>) => {
    const common = { parallel: 2, chunkSize: lengths.chunk, activations: "f32" } as const;
    using model = await load({ ...common, ...options, model: path, openDevice });
    return await runTurns(model, lengths);
  };
  emulated.reset();
  const cuda = await run(() => openEmulatedCuda(emulation));
  assertEquals(emulated.leaks(), [], "left on the GPU");
  const times = (name: string) => emulated.calls().filter((call) => call.name === name).length;
  assert(times("cuLaunchKernel") > 0 && times("cuGraphLaunch") > 0, "both ways of running");
  assert(times("cuMemUnmap") > 0, "pages were given back");
  assertEquals(times("cublasSgemm_v2") > 0, emulation.cublas === true);
  const cpu = await run(() => openCpuDevice({ threads: 2 }));
  assertEquals(cuda.logits.length, cpu.logits.length);
  cuda.logits.forEach((values, i) =>
    assertClose(values, cpu.logits[i]!, { bound, label: `row ${i}` })
  );
  assertEquals(cuda.kept, cpu.kept);
}

// Logits are a few units large; the devices add in other orders, hundreds of roundings of 2⁻²⁴ deep.
const EXACT = { bound: 5e-5 };
// A stored key or value may be the neighbouring f16, 2⁻¹¹ of it away, and hundreds of them are averaged.
const ROUNDED = { bound: 1e-3 };
const f32 = { cacheTypes: { key: "f32", value: "f32" } } as const;
const think = { prune: "think:ratio=0.5,window=16,recent=8" } as const;
const kivi = (bits: number) => ({ prune: `kivi:bits=${bits},group=16,residual=16` });

Deno.test("emulated CUDA gives the CPU's logits: dense, turns, chunks, a batch", async () => {
  await compare({ seed: 1 }, f32, { ...EXACT, checked: true });
});

Deno.test("emulated CUDA gives the CPU's logits: think, f32 cache", async () => {
  await compare({ seed: 2 }, { ...f32, ...think }, { ...EXACT, checked: true });
});

Deno.test("emulated CUDA gives the CPU's logits: think, f16 cache, 4-bit weights", async () => {
  const shape = { seed: 3, storage: "Q4_1", embeddingStorage: "Q8_0", ownHead: true } as const;
  await compare(shape, think, { ...ROUNDED, checked: false });
});

Deno.test("emulated CUDA gives the CPU's logits: codes, and codes of kept channels", async () => {
  // Of rows in f32: no code is its neighbour, but a scale or a minimum may be the neighbouring f16.
  await compare({ seed: 6, storage: "Q4_1" }, { ...f32, ...kivi(4) }, {
    ...ROUNDED,
    checked: false,
  });
  const both = { prune: `${think.prune}+${kivi(2).prune}` };
  await compare({ seed: 7 }, { ...f32, ...both }, { ...ROUNDED, checked: true });
});

Deno.test("emulated CUDA gives the CPU's logits: bits by channel and by row", async () => {
  const bits = "think_bits:keys=2.5,high=0.25,window=8,group=16,valueGroup=16,residual=16";
  await compare({ seed: 8 }, { ...f32, prune: bits }, { ...ROUNDED, checked: true });
});

Deno.test("emulated CUDA gives the CPU's logits: products of many rows by cuBLAS", async () => {
  // 75 rows of the first prompt, the other sequence's among them, then 6, then 80 in a step.
  const lengths = { chunk: 80, turns: [74, 5, 79] };
  const cublas = { lengths, cublas: true, checked: false };
  await compare({ seed: 4 }, { ...f32, ...think }, { ...EXACT, ...cublas });
  const shape = { seed: 5, storage: "Q4_1", embeddingStorage: "Q8_0" } as const;
  await compare(shape, think, { ...ROUNDED, ...cublas });
});

Deno.test("a chat on the emulated GPU goes on in its cache and says where it ran", async () => {
  await using folder = await testFolder();
  const path = await folder.write("tiny.gguf", tinyModel({ nHeads: 6, nKvHeads: 2 }));
  using model = await load({
    model: path,
    parallel: 1,
    ...think,
    openDevice: () => openEmulatedCuda(),
  });
  assertEquals(model.device, "cuda (emulated GPU, sm_80)");
  using session = model.session();
  const messages: ChatMessage[] = [
    { role: "user", content: "Tell me of kerfs and of saws and of boards." },
  ];
  const turn = async () => {
    const { tokens, text } = await model.generate(messages, { maxTokens: 6, session }).result;
    assertEquals(tokens.length, 6);
    return text;
  };
  messages.push({ role: "assistant", content: await turn() });
  messages.push({ role: "user", content: "And then?" });
  await turn();
  assert(session.nCached > 60, `${session.nCached} tokens cached`);
});
