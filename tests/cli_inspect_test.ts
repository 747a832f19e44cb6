/** `inspect` and `bench` from outside, on a tiny random model. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { findCudaToolchain } from "../src/build/mod.ts";
import { testFolder } from "../src/model/testing_files.ts";
import { cacheDir } from "../src/sys/cache_dir.ts";
import { kerf, tinyModelFile } from "./_cli.ts";

/** Standard output of a command that must succeed. */
async function outputOf(...words: string[]): Promise<string> {
  const { code, stdout, stderr } = await kerf(words);
  assertEquals(code, 0, stderr);
  return stdout;
}

const LONG = "to be or not to be, that is the question: ".repeat(4);
const THINK = "think:ratio=0.5,window=16,recent=16";

Deno.test("inspect mask lists kept channels per layer and head, null where all are kept", async () => {
  await using folder = await testFolder();
  const model = await tinyModelFile(folder, { nHeads: 4, nKvHeads: 2 });
  const file = await folder.write("long.txt", LONG);
  const mask = async (prune: string, ...words: string[]) => {
    const flags = ["-m", model, "--prune", prune, "--json", "--raw"];
    return JSON.parse(await outputOf("inspect", "mask", ...flags, ...words));
  };
  const { layers, ...rest } = await mask(THINK, "-f", file);
  assertEquals(rest, {});
  assertEquals(layers.length, 2);
  for (const { heads } of layers) {
    assertEquals(heads.length, 2);
    for (const { keptChannels, keptValueChannels, keptTokens } of heads) {
      assertEquals([keptValueChannels, keptTokens], [null, null]);
      assertEquals(new Set(keptChannels).size, 16);
      assertEquals([...keptChannels].sort((a, b) => a - b), keptChannels);
      assert(keptChannels.every((c: number) => Number.isInteger(c) && c >= 0 && c < 32));
    }
  }
  const whole = { keptChannels: null, keptValueChannels: null, keptTokens: null };
  const dense = { layers: [{ heads: [whole, whole] }, { heads: [whole, whole] }] };
  assertEquals(await mask("none", "-f", file), dense);
  // All of a short prompt is recent.
  assertEquals(await mask(THINK, "to be"), dense);
});

Deno.test("inspect model, layout, estimate and plan agree with the model", async () => {
  await using folder = await testFolder();
  const model = await tinyModelFile(folder, { nHeads: 4, nKvHeads: 2 });
  const json = async (subject: string, ...flags: string[]) =>
    JSON.parse(await outputOf("inspect", subject, "-m", model, "--json", ...flags));
  const { config, parameters, storage } = await json("model");
  assertEquals([config.nLayers, config.nHeads, config.nKvHeads, config.headDim], [2, 4, 2, 32]);
  assertEquals(storage.F32.bytes, 4 * parameters);

  const flags = ["--prune", THINK, "-c", "160"];
  const layout = await json("layout", ...flags);
  const estimate = await json("estimate", ...flags);
  assertEquals(estimate.storedBytes, layout.storedBytes);
  assertEquals(estimate.denseBytes, 160 * 2 * 2 * 2 * 32 * 2);
  // Per head 144 rows keep 16 of 32 key channels, in f16, and a mask of 4 bytes.
  assertEquals(estimate.storedBytes, estimate.denseBytes - 2 * 2 * (144 * 16 * 2 - 4));
  const drawn = await outputOf("inspect", "layout", "-m", model, ...flags);
  assertMatch(drawn, /144 rows × +16 channels × 16 bits/);
  assert(!drawn.includes("scales and minima"), drawn);
  const coded = await outputOf("inspect", "layout", "-m", model, "--prune", "kivi:bits=2");
  assertMatch(coded, /× 3 bits[^]*\nbits of codes are with their scales and minima\n/);

  const { invocations, logits, barriers } = await json("plan");
  // Two norms and four products, of which the first shares its barrier with attention.
  assertEquals(barriers, { decode: 6, prefill: 6 });
  const marks = invocations.slice(1, 8).map((row: { barrier: string }) => row.barrier);
  assertEquals(marks, ["full", "parts", "parts", "none", "parts", "full", "full"]);
  assertEquals(invocations[0].kernel, "embedding__f32");
  assertEquals(
    invocations.filter((row: { kernel: string }) => /_decode(_q8)?__/.test(row.kernel)).length,
    config.nLayers,
  );
  // Greedy decoding stores no logits; where they are wanted, the head ends the step.
  const ends = (rows: { kernel: string }[]) => rows.map(({ kernel }) => kernel.split("__")[0]);
  assertEquals(ends(invocations.slice(-2)), ["matmul_largest", "arg_max"]);
  assertEquals(ends(logits), ["matmul"]);
});

Deno.test("a layer of products of codes has four barriers", async () => {
  await using folder = await testFolder();
  const model = await tinyModelFile(folder, { storage: "Q8_0" });
  const plan = async (...flags: string[]) =>
    JSON.parse(await outputOf("inspect", "plan", "-m", model, "--json", ...flags));
  assertEquals((await plan()).barriers, { decode: 4, prefill: 4 });
  assertEquals((await plan("--prune", "h2o+think")).barriers, { decode: 4, prefill: 4 });
});

Deno.test("inspect kernel finds a source by a part of its name", async () => {
  await using folder = await testFolder();
  const model = await tinyModelFile(folder);
  const text = await outputOf("inspect", "kernel", "-m", model, "prefill");
  assertMatch(text, /^attention_causal_prefill__k_f16t16_v_f16t1\n {2}source +generated\/c\//);
  assertMatch(text, /void attention_causal_prefill__k_f16t16_v_f16t1\(/);
  const names = (await outputOf("inspect", "kernel")).trimEnd().split("\n");
  assert(names.includes("rms_norm"));
  const { code, stderr } = await kerf(["inspect", "kernel", "-m", model, "attention"]);
  assertEquals(code, 2);
  assertMatch(stderr, /hint: deno task inspect kernel attention_causal_decode__/);
  const none = await kerf(["inspect", "kernel", "-m", model, "scores_of_my_idea"]);
  assertEquals(none.code, 2);
  assertMatch(none.stderr, /hint: deno task gen adds those of a new variant/);
});

Deno.test("inspect kernel for CUDA shows what ptxas makes of it, or what is missing", async () => {
  await using folder = await testFolder();
  const model = await tinyModelFile(folder, { nHeads: 4, nKvHeads: 2 });
  const words = ["inspect", "kernel", "decode", "-m", model, "--prune", THINK, "--target", "cuda"];
  const name = "attention_causal_decode__k_list_f16t16_f16t16_v_f16t1";
  const toolchain = await findCudaToolchain(cacheDir());
  const text = await outputOf(...words);
  assertMatch(text, new RegExp(`^${name}\\n {2}source +generated/cuda/${name}\\.cu\\n`));
  assertMatch(text, new RegExp(`\\b${name}\\(`));
  assertMatch(
    text,
    /^ {2}define +HEAD_DIM = 32\n {2}define +GROUP = 2\n {2}grid .* blocks of \d+ threads$/m,
  );
  const { ptxas } = JSON.parse(await outputOf(...words, "--json"));
  if (toolchain === undefined) assertEquals(ptxas, null);
  else {
    assertMatch(text, /^ {2}ptxas +registers +spills +stack +shared +constant$/m);
    for (const arch of ["sm_80", "sm_90"]) {
      const { registers, spillStoreBytes, spillLoadBytes, sharedBytes } = ptxas[arch];
      assertEquals({ spillStoreBytes, spillLoadBytes }, { spillStoreBytes: 0, spillLoadBytes: 0 });
      assert(registers > 16 && sharedBytes > 1024, `${arch}: ${registers}, ${sharedBytes}`);
      assertMatch(
        text,
        new RegExp(`^ {2}${arch} +${registers} +none +\\d+ B +[\\d.]+ KiB +\\d+ B$`, "m"),
      );
    }
  }
  const bare = { env: { PATH: folder.path, KERF_CACHE: folder.path } };
  const without = await kerf(words, bare);
  assertEquals(without.code, 0, without.stderr);
  assertMatch(
    without.stdout,
    /^ {2}ptxas +unknown, neither NVRTC nor nvcc .*: deno task setup cuda$/m,
  );
  assertEquals(without.stdout.split("\n\n").slice(1), text.split("\n\n").slice(1));
});

Deno.test("bench prints llama-bench's keys, the same rows in every format", async () => {
  await using folder = await testFolder();
  const model = await tinyModelFile(folder);
  const bench = (format: string) =>
    outputOf(
      ...["bench", "-m", model, "-p", "16", "-n", "4", "-d", "0,40", "-npl", "1,2", "-r", "2"],
      ...["--prune", "none", "--prune", THINK, "-o", format],
    );
  const rows = JSON.parse(await bench("json"));
  // Two specs × (prefill, decode) × two depths × two widths.
  assertEquals(rows.length, 16);
  for (const row of rows) {
    for (
      const key of ["avg_ts", "stddev_ts", "avg_ns", "n_threads", "model_size", "model_n_params"]
    ) {
      assert(Number.isFinite(row[key]), key);
    }
    assertEquals([row.samples_ts.length, row.samples_ns.length], [2, 2]);
    const rows = row.n_parallel * (row.n_depth + row.n_prompt + row.n_gen);
    assertEquals(row.kv_dense_bytes, rows * 2 * 2 * 32 * 2);
    const isPruned = row.prune !== "none" && row.n_depth > 0;
    assertEquals(row.kv_stored_bytes < row.kv_dense_bytes, isPruned, JSON.stringify(row));
  }
  assertEquals((await bench("jsonl")).trimEnd().split("\n").length, 16);
  const markdown = (await bench("md")).trimEnd().split("\n");
  assertEquals(markdown.length, 18);
  assert(markdown.some((line) => line.includes("tg4 @ d40 × 2")));
});

Deno.test("bench startup takes a start apart, from the command to the first token", async () => {
  await using folder = await testFolder();
  const model = await tinyModelFile(folder);
  const printed = await outputOf("bench", "startup", "-m", model, "-r", "1", "-o", "json");
  const rows: { stage: string; min_ms: number; min_cpu_ms: number | null }[] = JSON.parse(printed);
  assert(rows.every(({ min_ms, min_cpu_ms }) => min_ms >= 0 && (min_cpu_ms ?? 0) >= 0));
  const total = rows.pop()!;
  assertEquals(total.stage, "to the first token");
  const sum = rows.reduce((ms, row) => ms + row.min_ms, 0);
  assert(Math.abs(sum - total.min_ms) < 1e-3, `${sum} ${total.min_ms}`);
  for (const stage of ["modules", "tokenizer", "prompt's step, first token"]) {
    assert(rows.some((row) => row.stage === stage), stage);
  }
});

Deno.test("bench roofline measures ceilings and holds each kernel of a step to them", async () => {
  await using folder = await testFolder();
  const model = await tinyModelFile(folder);
  const words = ["bench", "roofline", "-m", model, "-p", "16", "-d", "40,60", "-r", "1"];
  words.push("--prune", "none", "--prune", "think:ratio=0.5");
  const rows: Record<string, number | string>[] = JSON.parse(
    await outputOf(...words, "-o", "json"),
  );
  const ceilings = rows.filter((row) => "ceiling" in row);
  for (const row of ceilings) {
    for (const key of ["read_bytes_s", "f32_macs_s", "byte_macs_s"]) assert(Number(row[key]) > 0);
  }
  const steps = rows.filter((row) => row.what === "the whole step");
  assertEquals(
    steps.map(({ n_depth, prune, step }) => `${n_depth} ${prune} ${step}`),
    [40, 60].flatMap((depth) =>
      ["none", "think:ratio=0.5"].flatMap((prune) =>
        ["decode", "prefill"].map((step) => `${depth} ${prune} ${step}`)
      )
    ),
  );
  assert(ceilings.length > 0 && steps.every(({ ns }) => Number(ns) > 0));
  const saved = rows.filter((row) => "saved_ratio" in row);
  assertEquals(saved.map(({ n_depth, prune, against }) => [n_depth, prune, against]), [
    [40, "think:ratio=0.5", "none"],
    [60, "think:ratio=0.5", "none"],
  ]);
  // Of tokens before the last 32 half the keys' channels are gone; what decodes is whole.
  for (const { bytes_saved } of saved) {
    assert(Number(bytes_saved) > 0 && Number(bytes_saved) < 0.25);
  }
});
