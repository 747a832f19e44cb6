import { assert, assertEquals, assertMatch, assertNotEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { KerfError, load } from "../mod.ts";
import { tinyModel } from "../model/testing.ts";
import { testFolder } from "../model/testing_files.ts";
import {
  hasWeightsFile,
  orUnkept,
  readWeightsFile,
  saveWeightsFile,
  weightsFile,
  whileFilled,
} from "./weights_file.ts";
import { allocateMatrices } from "./weights_memory.ts";

Deno.test("packed weights come back from a file bit for bit, and only from a whole one", async () => {
  await using folder = await testFolder();
  const path = await folder.write("tiny.gguf", tinyModel());
  using model = await load({ model: path, threads: 1 });
  const { device } = model.loaded.engine;
  const { matrices } = model.loaded.plan.inputs.weights;
  const dir = join(folder.path, "weights");
  const options = { device, dir, least: 0 };
  assertEquals(await weightsFile(path, matrices, { device, dir }), null, "too small to be kept");
  const file = (await weightsFile(path, matrices, options))!;
  assertEquals(await hasWeightsFile(file), false);
  const slices = matrices.map(({ weight }) => weight);
  await saveWeightsFile(device, file, slices);
  assert(await hasWeightsFile(file));
  const together = allocateMatrices(device, matrices);
  const apart = allocateMatrices({ ...device, maxBindingBytes: 1 << 30 }, matrices);
  assertEquals([together, apart].map((places) => new Set(places.map((p) => p.buffer)).size), [
    1,
    matrices.length,
  ]);
  for (const places of [together, apart]) {
    await readWeightsFile(device, file, places);
    for (const [i, { buffer, offset = 0 }] of slices.entries()) {
      const { bytes } = file.places[i]!;
      const packed = await device.read(buffer, offset, bytes);
      const { buffer: other, offset: at = 0 } = places[i]!;
      assert(packed.some((byte) => byte !== 0));
      assertEquals(await device.read(other, at, bytes), packed);
    }
  }
  const left = [...Deno.readDirSync(dir)].map(({ name }) => name).filter((n) =>
    n.endsWith(".part")
  );
  assertEquals(left, []);
  await Deno.truncate(file.path, file.bytes - 1);
  assertEquals(await hasWeightsFile(file), false);
  await assertRejects(() => readWeightsFile(device, file, together), KerfError, "Invalid argument");
});

Deno.test("another model, or another order of the same one, has another file", async () => {
  await using folder = await testFolder();
  const tiny = tinyModel();
  const path = await folder.write("tiny.gguf", tiny);
  using model = await load({ model: path, threads: 1 });
  const { device } = model.loaded.engine;
  const { matrices } = model.loaded.plan.inputs.weights;
  const options = { device, dir: folder.path, least: 0 };
  const fileOf = async (order = matrices) => (await weightsFile(path, order, options))!.path;
  const first = await fileOf();
  assertEquals(await fileOf(), first);
  assertNotEquals(await fileOf(matrices.toReversed()), first);
  const last = tiny.length - 1;
  tiny[last]! ^= 1;
  await Deno.writeFile(path, tiny);
  assertNotEquals(await fileOf(), first);
});

Deno.test("files that no start opened for long are swept when another is written", async () => {
  await using folder = await testFolder();
  const path = await folder.write("tiny.gguf", tinyModel());
  using model = await load({ model: path, threads: 1 });
  const { device } = model.loaded.engine;
  const { matrices } = model.loaded.plan.inputs.weights;
  const dir = join(folder.path, "weights");
  await Deno.mkdir(dir);
  for (const name of ["old.weights", "new.weights"]) await Deno.writeTextFile(join(dir, name), "");
  await Deno.utime(join(dir, "old.weights"), new Date(1e12), new Date(1e12));
  const file = (await weightsFile(path, matrices, { device, dir, least: 0 }))!;
  await saveWeightsFile(device, file, matrices.map(({ weight }) => weight));
  const names = [...Deno.readDirSync(dir)].map(({ name }) => name);
  assert(!names.includes("old.weights") && names.includes("new.weights"));
});

Deno.test("a cache that cannot be written is told, and nothing else stops", async () => {
  await using folder = await testFolder();
  const path = await folder.write("tiny.gguf", tinyModel());
  using model = await load({ model: path, threads: 1 });
  const { device } = model.loaded.engine;
  const { matrices } = model.loaded.plan.inputs.weights;
  const dir = join(folder.path, "weights");
  const file = (await weightsFile(path, matrices, { device, dir, least: 0 }))!;
  await Deno.remove(dir, { recursive: true });
  await Deno.writeTextFile(dir, "no folder");
  const said: string[] = [];
  const save = () => saveWeightsFile(device, file, matrices.map(({ weight }) => weight));
  assertEquals(await orUnkept(save, (text) => said.push(text)), null);
  assertEquals(said.length, 1);
  assertMatch(said[0]!, /^packed weights are not kept in ".*weights".*\nhint: .*KERF_CACHE=DIR$/);
  assertEquals(await orUnkept(() => Promise.resolve(7), (text) => said.push(text)), 7);
  const bug = () => Promise.reject(new TypeError("a bug"));
  await assertRejects(() => orUnkept(bug, (text) => said.push(text)), TypeError, "a bug");
  assertEquals(said.length, 1);
});

Deno.test("what is made while weights are read waits for them, and so does its error", async () => {
  const waits = async <T>(make: () => Promise<T>) => {
    const { promise: filled, resolve } = Promise.withResolvers<void>();
    let ended = false;
    const result = whileFilled(filled, make).finally(() => ended = true);
    result.catch(() => {});
    // Enough turns for what is made to end, were nothing waited for.
    for (let turn = 0; turn < 10; turn++) await Promise.resolve();
    assertEquals(ended, false);
    resolve();
    return await result;
  };
  assertEquals(await waits(() => Promise.resolve(3)), 3);
  await assertRejects(() => waits(() => Promise.reject(new TypeError("no plan"))), TypeError);
  const unreadable = Promise.reject(new KerfError("Cannot read it"));
  await assertRejects(() => whileFilled(unreadable, () => Promise.resolve(3)), KerfError);
});
