import { assertEquals, assertRejects } from "@std/assert";
import { KerfError } from "../core/error.ts";
import { readSafetensors } from "./safetensors.ts";
import { testFolder } from "./testing_files.ts";

/** A file from a header and its data. */
function encode(header: unknown, data = new Uint8Array(16)): Uint8Array {
  const text = new TextEncoder().encode(
    typeof header === "string" ? header : JSON.stringify(header),
  );
  const file = new Uint8Array(8 + text.length + data.length);
  new DataView(file.buffer).setBigUint64(0, BigInt(text.length), true);
  file.set(text, 8);
  file.set(data, 8 + text.length);
  return file;
}

const entry = (dtype: string, shape: number[], offsets: number[]) => ({
  dtype,
  shape,
  data_offsets: offsets,
});

Deno.test("readSafetensors reads tensors by name, type and shape", async () => {
  await using folder = await testFolder();
  const data = new Uint8Array(24);
  data.set(new Uint8Array(Float32Array.of(1.5, -2).buffer), 0);
  data.set(new Uint8Array(Uint32Array.of(7, 2 ** 32 - 1).buffer), 8);
  data.set(new Uint8Array(Int32Array.of(-1).buffer), 16);
  data.set(new Uint8Array(Float16Array.of(0.5, 4).buffer), 20);
  const path = await folder.write(
    "t.safetensors",
    encode({
      __metadata__: { made: "here" },
      slopes: entry("F32", [2], [0, 8]),
      widths: entry("U32", [1, 2], [8, 16]),
      shift: entry("I32", [], [16, 20]),
      half: entry("F16", [2], [20, 24]),
    }, data),
  );
  const tables = await readSafetensors(path);
  assertEquals([...tables.keys()], ["slopes", "widths", "shift", "half"]);
  assertEquals(tables.get("slopes"), { type: "F32", shape: [2], data: Float32Array.of(1.5, -2) });
  assertEquals(tables.get("widths")?.shape, [1, 2]);
  assertEquals([...tables.get("widths")!.data], [7, 2 ** 32 - 1]);
  assertEquals([...tables.get("shift")!.data], [-1]);
  assertEquals([...tables.get("half")!.data], [0.5, 4]);
});

Deno.test("readSafetensors refuses damaged files with one line", async () => {
  await using folder = await testFolder();
  const long = encode({});
  new DataView(long.buffer).setBigUint64(0, 2n ** 40n, true);
  const cases: [Uint8Array, string][] = [
    [new Uint8Array(3), "it ends at byte 3"],
    [long, "its header should take 1099511627776 bytes"],
    [encode("[1]"), "its header is no JSON object"],
    [encode("{oops"), "its header is no JSON object"],
    [encode({ a: entry("Q9", [1], [0, 4]) }), 'tensor "a" has elements Q9'],
    [encode({ a: entry("F32", [-1], [0, 4]) }), 'tensor "a" has no shape or offsets'],
    [encode({ a: null }), 'tensor "a" has elements undefined'],
    [encode({ a: entry("F32", [3], [0, 8]) }), "takes 12 bytes, its offsets are 0 to 8 of 16"],
    [encode({ a: entry("F32", [8], [0, 32]) }), "takes 32 bytes, its offsets are 0 to 32 of 16"],
    [encode({ a: entry("F32", [2], [8, 0]) }), "its offsets are 8 to 0"],
    [encode({ a: entry("F32", [2 ** 40, 2 ** 40], [0, 4]) }), "its offsets are 0 to 4"],
  ];
  for (const [bytes, state] of cases) {
    const path = await folder.write("bad.safetensors", bytes);
    await assertRejects(() => readSafetensors(path), KerfError, state);
  }
  await assertRejects(
    () => readSafetensors(`${folder.path}/none`),
    KerfError,
    "there is no such file",
  );
});
