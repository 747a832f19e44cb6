import { assertEquals, assertMatch } from "@std/assert";
import type { Compiler } from "./compiler.ts";
import { projectUrl, runChild } from "./testing.ts";

/** What findCompiler finds, or the error's text, in a process with this environment. */
async function find(env: Record<string, string>): Promise<Compiler | string> {
  const { stdout, stderr } = await runChild(
    `import { findCompiler } from "${projectUrl("src/sys/compiler.ts")}";
     const found = await findCompiler().catch((error) => error.render());
     console.log(JSON.stringify(found));`,
    { env },
  );
  assertEquals(stderr, "");
  return JSON.parse(stdout);
}

Deno.test("a compiler is found and says its version", async () => {
  const { command, version } = await find({}) as Compiler;
  assertEquals(command.length, 1);
  assertMatch(version, /\d+\.\d+/);
});

Deno.test("CC may carry arguments", async () => {
  const { command } = await find({ CC: " cc -pipe " }) as Compiler;
  assertEquals(command, ["cc", "-pipe"]);
});

Deno.test("a CC that does not run is an error, not a reason to take another", async () => {
  assertMatch(
    String(await find({ CC: "kerf-no-such-cc" })),
    /Cannot use the C compiler CC="kerf-no-such-cc": it does not run\nhint: unset CC/,
  );
});

Deno.test("without a compiler the error names the command that installs one", async () => {
  assertMatch(
    String(await find({ PATH: "/nowhere" })),
    /no C compiler \(cc, gcc, clang\) was found\nhint: (apt-get install gcc|xcode-select --install)/,
  );
});

Deno.test("the C++ compiler is found in the same way", async () => {
  const findCxx = async (env: Record<string, string>) => {
    const { stdout } = await runChild(
      `import { findCxxCompiler } from "${projectUrl("src/sys/compiler.ts")}";
       const found = await findCxxCompiler().catch((error) => error.render());
       console.log(JSON.stringify(found));`,
      { env },
    );
    return JSON.parse(stdout);
  };
  assertMatch((await findCxx({})).version, /\d+\.\d+/);
  assertMatch(await findCxx({ CXX: "kerf-no-such" }), /CXX="kerf-no-such": .*\nhint: unset CXX/);
  assertMatch(await findCxx({ PATH: "/nowhere" }), /no C\+\+ compiler \(c\+\+, g\+\+, clang\+\+\)/);
});
