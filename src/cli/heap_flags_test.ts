import { assert, assertEquals } from "@std/assert";
import { captureDeno } from "../sys/deno.ts";
import { projectRoot } from "../sys/cache_dir.ts";
import { COMMANDS } from "./flags.ts";
import { heapFlags } from "./heap_flags.ts";

const flagsOf = (name: string) => heapFlags(COMMANDS.find((command) => command.name === name)!);

Deno.test("commands that run a model have a small young heap, and V8 knows the flag", async () => {
  assertEquals([flagsOf("gen"), flagsOf("test")], [[], []]);
  const program = `
    import v8 from "node:v8";
    // As long as some of it stays alive, V8 gives young objects more room: 16 MiB here unless told not to.
    let kept = [];
    for (let i = 0; i < 1e6; i++) kept = kept.length < 2e5 ? (kept.push({ i }), kept) : [];
    const space = v8.getHeapSpaceStatistics().find((one) => one.space_name === "new_space");
    console.log(space.space_size);
  `;
  const args = ["eval", "--no-config", ...flagsOf("run"), program];
  const { output } = await captureDeno(args, { cwd: projectRoot(), stopAfterMs: 60_000 });
  const bytes = Number(output);
  assert(bytes > 0 && bytes <= 4 << 20, output);
});
