import { assertEquals } from "@std/assert";
import { ROOT } from "../root.ts";
import { countsLine, readCounts, testUnits } from "./units.ts";

/** Every test file of the project, however deep. */
function testFiles(folder: string): string[] {
  return [...Deno.readDirSync(`${ROOT}/${folder}`)].flatMap(({ name, isDirectory }) => {
    const path = `${folder}/${name}`;
    if (isDirectory) return testFiles(path);
    return name.endsWith("_test.ts") ? [path] : [];
  });
}

Deno.test("every test file is in exactly one unit", () => {
  const units = testUnits(ROOT, ["src", "tools", "kernels"]);
  const files = ["src", "tools", "kernels", "tests"].flatMap(testFiles);
  for (const file of files) {
    const holding = units.filter((unit) =>
      unit.some((path) => file === path || file.startsWith(`${path}/`))
    );
    assertEquals(holding.length, 1, file);
  }
});

Deno.test("what takes longest begins first", () => {
  const [first] = testUnits(ROOT, ["src"]);
  assertEquals(first, ["tests/parity_kernels_test.ts"]);
});

Deno.test("counts are those of the last summary, and add up", () => {
  const text = "ok | 1 passed | 0 failed (1ms)\nFAILED | 7 passed (2 steps) | 2 failed (3s)\n";
  assertEquals(readCounts(text), { passed: 7, failed: 2, ignored: 0 });
  assertEquals(readCounts("error: Module not found"), null);
  const all = [{ passed: 7, failed: 0, ignored: 0 }, { passed: 1, failed: 0, ignored: 3 }];
  assertEquals(countsLine(all, 61.2), "ok | 8 passed | 0 failed | 3 ignored (1m1s)");
  assertEquals(
    countsLine([{ passed: 0, failed: 1, ignored: 0 }], 2),
    "FAILED | 0 passed | 1 failed (2s)",
  );
});
