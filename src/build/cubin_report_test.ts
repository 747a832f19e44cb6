import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { join } from "@std/path";
import { KerfError } from "../core/error.ts";
import { parseReport, partReport, readCubinResources, reportPath } from "./cubin_report.ts";

/** NVRTC 13.0's log for sm_80, with a warning of the front end. */
const NVRTC = [
  'k.cu(1): warning #177-D: variable "unused" was declared but never referenced',
  "  int unused = 1;",
  "      ^",
  "ptxas info    : 48 bytes gmem, 96 bytes cmem[4]",
  "ptxas info    : Compiling entry function 'decode' for 'sm_80'",
  "ptxas info    : Function properties for decode",
  "ptxas         .     136 bytes stack frame, 12 bytes spill stores, 20 bytes spill loads",
  "ptxas info    : Used 89 registers, used 1 barriers, 7008 bytes smem, 472 bytes cmem[0]",
  "ptxas info    : Compile time = 62.077 ms",
].join("\n");

/** nvcc 13.0's standard error of the same. */
const NVCC = NVRTC.split("\n").slice(3).join("\n").replace("ptxas         .", "   ") + "\n";

const RESOURCES = {
  registers: 89,
  spillStoreBytes: 12,
  spillLoadBytes: 20,
  stackBytes: 136,
  sharedBytes: 7008,
};

Deno.test("what ptxas says is no warning, and a warning is none of its words", () => {
  const { report, rest } = partReport(NVRTC);
  assertEquals(rest, NVRTC.split("\n").slice(0, 3).join("\n"));
  assertEquals(report, NVRTC.split("\n").slice(3).join("\n"));
  assertEquals(partReport(NVCC).rest, "");
});

Deno.test("both compilers' words are read", () => {
  for (const printed of [NVRTC, NVCC]) {
    assertEquals(parseReport(partReport(printed).report, "decode"), RESOURCES);
  }
});

Deno.test("spills of functions that were not inlined count, registers are the largest", () => {
  const helper = [
    "ptxas info    : Function properties for helper",
    "ptxas         .     16 bytes stack frame, 3 bytes spill stores, 4 bytes spill loads",
  ].join("\n");
  const both = parseReport(`${NVCC}${helper}`, "decode");
  assertEquals(both, { ...RESOURCES, spillStoreBytes: 15, spillLoadBytes: 24 });
});

Deno.test("of several kernels in a file each has its own", () => {
  const second = NVCC.replaceAll("decode", "merge").replace("Used 89", "Used 12")
    .replace("7008 bytes smem", "16 bytes smem");
  assertEquals(parseReport(second + NVCC, "decode"), RESOURCES);
  const merge = { ...RESOURCES, registers: 12, sharedBytes: 16 };
  assertEquals(parseReport(second + NVCC, "merge"), merge);
  assertThrows(() => parseReport(NVCC, "merge"), KerfError, 'report of "merge"');
});

Deno.test("other words, and a report that is gone, are errors that say what to type", async () => {
  const error = assertThrows(() => parseReport("ptxas info : hello", "k"), KerfError, "hello");
  assertEquals(error.hints[0]?.startsWith("deno task setup cuda"), true);
  const folder = await Deno.makeTempDir();
  const cubin = join(folder, "k.cubin");
  const gone = await assertRejects(
    () => readCubinResources(cubin, "k"),
    KerfError,
    "the file is gone",
  );
  assertEquals(gone.hints[0]?.startsWith(`rm "${cubin}"`), true);
  assertEquals(reportPath(cubin), join(folder, "k.ptxas.txt"));
  await Deno.remove(folder, { recursive: true });
});
