import { assertEquals, assertRejects } from "@std/assert";
import { KerfError } from "../core/error.ts";
import { runCommand } from "./command.ts";
import { projectUrl, runChild } from "./testing.ts";

Deno.test("a program's output and exit code come back", async () => {
  const result = await runCommand("sh", ["-c", "printf out; printf err >&2; exit 3"]);
  assertEquals(result, { code: 3, stdout: "out", stderr: "err" });
});

Deno.test("a program sees PATH, HOME, TMPDIR and what the caller adds, nothing else", async () => {
  // A scoped --allow-run refuses to start anything while the child would inherit LD_LIBRARY_PATH.
  const { stdout } = await runChild(
    `import { runCommand } from "${projectUrl("src/sys/command.ts")}";
     console.log((await runCommand("env", [], { env: { ADDED: "yes" } })).stdout);`,
    {
      env: { LD_LIBRARY_PATH: "/nowhere", SECRET: "1", TMPDIR: "/tmp" },
      permissions: ["--allow-run=env", "--allow-env"],
    },
  );
  const names = stdout.trim().split("\n").map((line) => line.split("=")[0]!).sort();
  assertEquals(names.filter((name) => !["HOME", "PATH", "TMPDIR"].includes(name)), ["ADDED"]);
});

Deno.test("standard input reaches the program, and one that ignores it does no harm", async () => {
  const text = "line\n".repeat(100_000);
  assertEquals((await runCommand("cat", [], { stdin: text })).stdout, text);
  assertEquals((await runCommand("true", [], { stdin: text })).code, 0);
});

Deno.test("the working folder is the caller's choice", async () => {
  assertEquals((await runCommand("pwd", [], { cwd: "/" })).stdout, "/\n");
});

Deno.test("a missing program is an error with the hint", async () => {
  const error = await assertRejects(
    () => runCommand("kerf-no-such-program", [], { hint: "apt-get install it" }),
    KerfError,
    'Cannot run "kerf-no-such-program": it is not installed',
  );
  assertEquals(error.hints, ["apt-get install it"]);
});
