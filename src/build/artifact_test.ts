import { assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { artifact, artifactKey } from "./artifact.ts";

async function inFolder(body: (dir: string) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir();
  try {
    await body(join(dir, "artifacts"));
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

const names = (dir: string) => Array.from(Deno.readDirSync(dir), (entry) => entry.name).sort();

/** A request for a file that holds its inputs' text; counts how often it is made. */
function request(dir: string, inputs: string[], made: { count: number }) {
  return {
    dir,
    inputs,
    name: "text",
    extension: ".txt",
    make: async (workDir: string) => {
      made.count++;
      const path = join(workDir, "out");
      await Deno.writeTextFile(path, inputs.join());
      return path;
    },
  };
}

Deno.test("a key tells inputs apart, and where one ends", async () => {
  const keys = await Promise.all([["a", "b"], ["ab"], ["b", "a"], ["a", "b", ""]].map(artifactKey));
  assertEquals(new Set(keys).size, 4);
  assertEquals(await artifactKey(["a", "b"]), keys[0]);
  assertEquals(keys[0]!.length, 64);
});

Deno.test("an artifact is made once, also when asked for twice at the same time", async () => {
  await inFolder(async (dir) => {
    const made = { count: 0 };
    const [a, b] = await Promise.all([
      artifact(request(dir, ["x"], made)),
      artifact(request(dir, ["x"], made)),
    ]);
    assertEquals(a, b);
    assertEquals(await artifact(request(dir, ["x"], made)), a);
    assertEquals(made.count, 1);
    const other = await artifact(request(dir, ["y"], made));
    assertNotEquals(other, a);
    assertEquals(await Deno.readTextFile(a), "x");
    assertEquals(names(dir).length, 2);
  });
});

Deno.test("a failure leaves nothing behind and the next request tries again", async () => {
  await inFolder(async (dir) => {
    const made = { count: 0 };
    const good = request(dir, ["x"], made);
    const make = async (workDir: string) => {
      await Deno.writeTextFile(join(workDir, "out"), "half");
      throw new Error("disk full");
    };
    await assertRejects(() => artifact({ ...good, make }), Error, "disk full");
    assertEquals(names(dir), []);
    assertEquals(await Deno.readTextFile(await artifact(good)), "x");
  });
});

Deno.test("work folders an hour old are swept, younger ones belong to somebody", async () => {
  await inFolder(async (dir) => {
    for (const name of ["tmp-old", "tmp-young", "other-old"]) {
      await Deno.mkdir(join(dir, name), { recursive: true });
      await Deno.writeTextFile(join(dir, name, "library"), "half");
    }
    const hoursAgo = new Date(Date.now() - 2 * 3_600_000);
    await Deno.utime(join(dir, "tmp-old"), hoursAgo, hoursAgo);
    await Deno.utime(join(dir, "other-old"), hoursAgo, hoursAgo);
    await artifact(request(dir, ["x"], { count: 0 }));
    assertEquals(names(dir).filter((name) => !name.startsWith("text-")), [
      "other-old",
      "tmp-young",
    ]);
  });
});
