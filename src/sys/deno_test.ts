import { assert, assertEquals } from "@std/assert";
import { captureDeno } from "./deno.ts";

const cwd = Deno.cwd();

Deno.test("what a process prints is kept, with its exit code", async () => {
  const script = 'console.error("no"); console.log("yes"); Deno.exit(3)';
  const { code, output, stuck } = await captureDeno(["eval", script], { cwd, stopAfterMs: 60_000 });
  assertEquals([code, output, stuck], [3, "yes\nno\n", false]);
});

Deno.test("a process that does not end is stopped", async () => {
  const script = "setInterval(() => {}, 1000)";
  const { code, stuck } = await captureDeno(["eval", script], { cwd, stopAfterMs: 1000 });
  assert(stuck && code !== 0);
});
