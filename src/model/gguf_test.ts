import { assert, assertEquals, assertRejects } from "@std/assert";
import fc from "fast-check";
import { KerfError } from "../core/error.ts";
import { cacheDir } from "../sys/cache_dir.ts";
import { resolveModel } from "./fetch.ts";
import type { GgufMetadata } from "./gguf_metadata.ts";
import type { TextList } from "./text_list.ts";
import { readGguf } from "./gguf.ts";
import { tinyModel } from "./testing.ts";
import { testFolder } from "./testing_files.ts";
import { encodeGguf } from "./testing_gguf.ts";

/** What reading these bytes as a file says; fails when it is read without complaint. */
async function complaint(bytes: Uint8Array): Promise<string> {
  await using folder = await testFolder();
  const path = await folder.write("x.gguf", bytes);
  const error = await assertRejects(() => readGguf(path), KerfError);
  assertEquals(error.message.split("\n").length, 1, "one line");
  assert(error.message.includes("x.gguf"), error.message);
  return error.message;
}

/** A copy with a little-endian u64 written over it. */
function withU64(bytes: Uint8Array, { at, value }: { at: number; value: bigint }): Uint8Array {
  const copy = bytes.slice();
  new DataView(copy.buffer).setBigUint64(at, value, true);
  return copy;
}

const scalar = (name: string, bytes = 4) => ({
  name,
  shape: [bytes / 4],
  storage: "F32" as const,
  data: new Uint8Array(bytes),
});

/** Where `text` starts in the bytes. */
const indexOf = (bytes: Uint8Array, text: string) =>
  new TextDecoder("latin1").decode(bytes).indexOf(text);

const tiny = tinyModel();

const textsAt = (metadata: GgufMetadata, key: string) => [...metadata.get(key) as TextList];

Deno.test("readGguf reads metadata, shapes and absolute offsets", async () => {
  await using folder = await testFolder();
  const gguf = await readGguf(await folder.write("a.gguf", tiny));
  assertEquals(gguf.version, 3);
  assertEquals(gguf.bytes, tiny.length);
  assertEquals(gguf.metadata.get("llama.attention.head_count"), 3);
  assertEquals(gguf.metadata.get("tokenizer.ggml.add_bos_token"), false);
  assertEquals(textsAt(gguf.metadata, "tokenizer.ggml.tokens")[0], "<|endoftext|>");
  const last = [...gguf.tensors.values()].at(-1)!;
  assertEquals(last.name, "output_norm.weight");
  assertEquals(last.offset + last.bytes, tiny.length);
  assertEquals(gguf.tensors.get("blk.0.ffn_down.weight")!.shape, [96, 64]);
});

Deno.test("readGguf reads every value type, version 2 and numbers beyond doubles", async () => {
  await using folder = await testFolder();
  const bytes = encodeGguf({
    version: 2,
    metadata: {
      u32: { u32: 7 },
      small: { u64: 9n },
      huge: { u64: 2n ** 63n },
      f32: { f32: 0.5 },
      bool: { bool: true },
      text: { string: "é\n" },
      texts: { strings: ["", "ab"] },
      i32s: { i32s: [-1, 2] },
    },
    tensors: [scalar("w")],
  });
  const { metadata } = await readGguf(await folder.write("a.gguf", bytes));
  const texts = textsAt(metadata, "texts");
  assertEquals({ ...Object.fromEntries(metadata), texts }, {
    u32: 7,
    small: 9,
    huge: 2n ** 63n,
    f32: 0.5,
    bool: true,
    text: "é\n",
    texts: ["", "ab"],
    i32s: [-1, 2],
  });
});

Deno.test("readGguf refuses a file cut off anywhere", async () => {
  for (let at = 0; at < tiny.length - 1; at += at < 3000 ? 37 : 4099) {
    const message = await complaint(tiny.subarray(0, at));
    assert(
      /it ends at byte|at most \d+ can follow|the file has \d+/.test(message),
      `cut at ${at}: ${message}`,
    );
  }
  const message = await complaint(tiny.subarray(0, tiny.length - 1));
  assert(message.includes(`tensor "output_norm.weight" ends at byte ${tiny.length}`), message);
});

Deno.test("readGguf believes no count, length or offset beyond the file", async () => {
  const absurd = 2n ** 40n;
  const tokens = indexOf(tiny, "tokenizer.ggml.tokens") + "tokenizer.ggml.tokens".length;
  const entry = indexOf(tiny, "token_embd.weight");
  const places: [number, string][] = [
    [8, "its tensor count is 1099511627776"],
    [16, "its metadata count is 1099511627776"],
    [24, "the length of metadata key 1 of 22 is 1099511627776"],
    [tokens + 8, 'the count of the value of "tokenizer.ggml.tokens" is 1099511627776'],
    [tokens + 16, 'the length of the value of "tokenizer.ggml.tokens" is 1099511627776'],
    [entry - 8, "the length of the name of tensor 1 of 20 is 1099511627776"],
    [entry + 21, 'a dimension of "token_embd.weight" is 1099511627776'],
    [entry + 41, 'the offset of "token_embd.weight" is 1099511627776'],
  ];
  for (const [at, expected] of places) {
    const message = await complaint(withU64(tiny, { at, value: absurd }));
    assert(message.includes(expected), `${message}\nis not\n${expected}`);
  }
});

Deno.test("readGguf refuses damaged tensor entries", async () => {
  const entry = indexOf(tiny, "token_embd.weight");
  const cases: [number, bigint, string][] = [
    [entry + 17, 9n, "has 9 dimensions"],
    [entry + 21, 0n, "has a dimension of 0"],
    [entry + 29, 0n, "has a dimension of 0"],
    [entry + 37, 99n, "is stored as ggml type 99, which Kerf does not read"],
    [entry + 41, 33n, "starts at 33, not a multiple of 32"],
    [entry + 41, 32n, 'tensors "token_embd.weight" and "blk.0.attn_norm.weight" overlap'],
  ];
  for (const [at, value, expected] of cases) {
    const wide = at === entry + 17 || at === entry + 37; // u32 fields, whose neighbour must stay
    const copy = tiny.slice();
    const view = new DataView(copy.buffer);
    if (wide) view.setUint32(at, Number(value), true);
    else view.setBigUint64(at, value, true);
    const message = await complaint(copy);
    assert(message.includes(expected), `${message}\nis not\n${expected}`);
  }
});

Deno.test("readGguf refuses what is no GGUF, other versions, big-endian files and shards", async () => {
  const version = (value: number) => {
    const copy = tiny.slice();
    new DataView(copy.buffer).setUint32(4, value, true);
    return copy;
  };
  const shard = encodeGguf({
    metadata: { "split.count": { u32: 3 }, "split.no": { u32: 1 } },
    tensors: [],
  });
  const cases: [Uint8Array, string][] = [
    [new TextEncoder().encode("PK\x03\x04 and so on"), 'it starts with "PK\\u0003\\u0004"'],
    [version(1), "its version is 1; Kerf reads 2 and 3"],
    [version(77), "its version is 77"],
    [version(0x03000000), "it is big-endian"],
    [shard, "it is shard 2 of 3 shards"],
    [
      encodeGguf({ metadata: { "general.alignment": { u32: 24 } }, tensors: [] }),
      "alignment is 24",
    ],
    [encodeGguf({ metadata: {}, tensors: [scalar("w"), scalar("w")] }), 'tensor "w" comes twice'],
  ];
  for (const [bytes, expected] of cases) {
    const message = await complaint(bytes);
    assert(message.includes(expected), `${message}\nis not\n${expected}`);
  }
});

Deno.test("readGguf keeps a list of texts whole that is longer than several reads", async () => {
  await using folder = await testFolder();
  // 3.2 MB: a read brings 1 MiB, so some text lies across its end.
  const strings = Array.from({ length: 4000 }, (_, i) => `${i}:`.padEnd(800, "é"));
  const bytes = encodeGguf({ metadata: { strings: { strings }, after: { u32: 7 } }, tensors: [] });
  const { metadata } = await readGguf(await folder.write("a.gguf", bytes));
  assertEquals(textsAt(metadata, "strings"), strings);
  assertEquals(metadata.get("after"), 7);
});

Deno.test("readGguf refuses a key that comes twice, unknown value types and nested arrays", async () => {
  const two = encodeGguf({ metadata: { aa: { u32: 1 }, ab: { u32: 1 } }, tensors: [] });
  const at = indexOf(two, "ab");
  const twice = two.slice();
  twice[at + 1] = "a".charCodeAt(0);
  assert((await complaint(twice)).includes('metadata key "aa" comes twice'));
  const odd = two.slice();
  odd[at + 2] = 42;
  assert((await complaint(odd)).includes('the value of "ab" has the unknown type 42'));
  const nested = encodeGguf({ metadata: { ab: { i32s: [9, 9, 9, 9] } }, tensors: [] });
  nested[indexOf(nested, "ab") + 6] = 9;
  assert((await complaint(nested)).includes("an array of arrays"));
});

Deno.test("readGguf names a file that is not there, and a folder", async () => {
  await using folder = await testFolder();
  await assertRejects(() => readGguf(`${folder.path}/none`), KerfError, "there is no such file");
  await assertRejects(() => readGguf(folder.path), KerfError, "is not a file");
});

Deno.test("readGguf ends any damaged header with a KerfError or a reading", async () => {
  await using folder = await testFolder();
  const headerBytes = indexOf(tiny, "output_norm.weight") + 40;
  const damage = fc.array(
    fc.record({ at: fc.nat(headerBytes), byte: fc.nat(255) }),
    { minLength: 1, maxLength: 4 },
  );
  await fc.assert(
    fc.asyncProperty(damage, async (changes) => {
      const copy = tiny.slice();
      for (const { at, byte } of changes) copy[at] = byte;
      const path = await folder.write("fuzz.gguf", copy);
      try {
        const gguf = await readGguf(path);
        for (const { offset, bytes } of gguf.tensors.values()) assert(offset + bytes <= gguf.bytes);
      } catch (error) {
        if (!(error instanceof KerfError)) throw error;
      }
    }),
    { seed: 20260101, numRuns: 300 },
  );
});

Deno.test("readGguf reads the default model's header in 150 ms", async () => {
  const path = await resolveModel(undefined, { cacheDir: cacheDir() });
  const times: number[] = [];
  for (let i = 0; i < 5; i++) {
    const start = performance.now();
    const { tensors } = await readGguf(path);
    times.push(performance.now() - start);
    assertEquals(tensors.size, 272);
  }
  // The fastest of five: other work on the machine only makes runs slower.
  assert(Math.min(...times) < 150, `${times} ms`);
});
