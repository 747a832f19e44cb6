import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { join } from "@std/path";
import { load } from "../mod.ts";
import { tinyModel } from "../model/testing.ts";
import { testFolder } from "../model/testing_files.ts";
import { openWeightsFile, saveWeightsFile, weightsFile } from "./weights_file.ts";

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
  assertEquals(await openWeightsFile(device, file), null);
  await saveWeightsFile(device, file, matrices.map(({ weight }) => weight));
  const mapped = (await openWeightsFile(device, file))!;
  assertEquals(mapped.length, matrices.length);
  for (const [i, { weight }] of matrices.entries()) {
    const { bytes } = file.ranges[i]!;
    const [packed, read] = [await device.read(weight.buffer, 0, bytes), mapped[i]!.buffer];
    assert(packed.some((byte) => byte !== 0));
    assertEquals(await device.read(read, 0, bytes), packed);
  }
  const left = [...Deno.readDirSync(dir)].map(({ name }) => name).filter((n) =>
    n.endsWith(".part")
  );
  assertEquals(left, []);
  await Deno.truncate(file.path, file.bytes - 1);
  assertEquals(await openWeightsFile(device, file), null);
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
