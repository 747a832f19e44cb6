/** `kerf verify`: exit codes, JSON and the report are what scripts and people lean on. */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { outcomeText } from "../src/cli/verify/table.ts";
import { testFolder } from "../src/model/testing_files.ts";
import { cacheDir, projectRoot } from "../src/sys/cache_dir.ts";
import { runCommand } from "../src/sys/command.ts";
import type { Check } from "../src/verify/mod.ts";
import { kerf } from "./_cli.ts";

Deno.test("verify --json has a row per kernel, the devices, and the report is a page", async () => {
  await using folder = await testFolder();
  const words = ["verify", "think", "softcap", "--device", "cpu", "--quick", "--json"];
  const { code, stdout, stderr } = await kerf([...words, "--report", "out.html"], {
    cwd: folder.path,
  });
  assertEquals(code, 0, stderr);
  const found = JSON.parse(stdout);
  assertEquals(Object.keys(found), [
    "passed",
    "seconds",
    "targets",
    "missing",
    "absent",
    "checks",
  ]);
  assertEquals(found.passed, true);
  assertEquals(found.targets.map(({ label }: { label: string }) => label), ["c"]);
  assertEquals(found.missing, []);
  const rows = found.checks.map((c: Check) => `${c.variant}: ${c.kernel}`);
  assertEquals(rows, [
    ...["softcap: prefill", "softcap: decode + merge", "softcap: prefill, rounded"],
    ...["softcap: decode + merge, rounded", "think: append", "think: record queries"],
    ...["think: channel scores", "think: select channels", "think: move", "think: prefill"],
    ...["think: decode + merge", "think: prefill, rounded", "think: decode + merge, rounded"],
  ]);
  for (const check of found.checks) {
    assert(check.passed && check.maxShare <= 1, JSON.stringify(check));
    assert(check.cases >= (check.kernel.endsWith("rounded") ? 1 : 5));
    assertEquals(Object.keys(check.worst), ["case", "at", "got", "want", "bound"]);
  }
  const page = await Deno.readTextFile(join(folder.path, "out.html"));
  assertWellFormed(page);
  // It loads nothing: addresses stand in links alone.
  assertEquals(page.match(/\s(?:src|srcset)=|@import|url\(/g), null);
  for (const path of ["kernels/prune/think.ts", "generated/cuda/channel_scores_think"]) {
    assertStringIncludes(page, path);
  }
  assertStringIncludes(page, 'class="l own near" data-from=');
});

/** @throws {AssertionError} an element is not closed where it should be */
function assertWellFormed(page: string): void {
  const open: string[] = [];
  const body = page.replace(/<(style|script)>[\s\S]*?<\/\1>/g, "").replace(/^<!DOCTYPE html>/, "");
  for (const [, end, name] of body.matchAll(/<(\/?)([a-z0-9]+)(?:\s[\w-]+="[^"<>]*")*>/gi)) {
    if (end) assertEquals(open.pop(), name);
    else if (name !== "meta") open.push(name!);
  }
  assertEquals(open, []);
  assertEquals(body.replace(/<\/?[a-z0-9]+(?:\s[\w-]+="[^"<>]*")*>/gi, "").match(/[<>]/g), null);
}

Deno.test("a composition is verified by its name; the report shows which rows stay", async () => {
  await using folder = await testFolder();
  const words = ["verify", "tova+think", "--device", "cpu", "--quick", "--json"];
  const { code, stdout, stderr } = await kerf([...words, "--report", "out.html"], {
    cwd: folder.path,
  });
  assertEquals(code, 0, stderr);
  const kernels = JSON.parse(stdout).checks.map(({ kernel }: Check) => kernel);
  assertEquals(kernels, [
    ...["append", "record queries", "window softmax", "token scores", "pool scores", "select rows"],
    ...["keep rows", "channel scores", "select channels", "move", "prefill", "decode + merge"],
    ...["prefill, rounded", "decode + merge, rounded"],
  ]);
  const page = await Deno.readTextFile(join(folder.path, "out.html"));
  assertWellFormed(page);
  for (const path of ["kernels/prune/tova.ts", "kernels/prune/think.ts"]) {
    assertStringIncludes(page, path);
  }
  assert(/KV head 1: \d+ of \d+ rows stay/.test(page));
  for (const fate of ["kept", "protected", "evicted"]) {
    assert(new RegExp(`<path class="row ${fate}" d="M\\d+ \\d+h7v8h-7z`).test(page), fate);
  }
});

Deno.test("verify refuses a name it does not know, and a device there is none of", async () => {
  const slip = await kerf(["verify", "thnik"]);
  assertEquals([slip.code, slip.stdout], [2, ""]);
  assertStringIncludes(slip.stderr, "did you mean think?");
  const twice = await kerf(["verify", "think+snapkv"]);
  assertEquals([twice.code, twice.stdout], [2, ""]);
  assertStringIncludes(twice.stderr, "these do not compose");
  const device = await kerf(["verify", "--device", "tpu"]);
  assertEquals(device.code, 2);
  const folder = await kerf(["verify", "softcap", "--report", "no/such/folder.html"]);
  assertEquals(folder.code, 2);
  assertStringIncludes(folder.stderr, "hint: mkdir -p no/such");
  const compiler = await kerf(["verify", "softcap", "--device", "cpu"], { env: { CC: "none" } });
  assertEquals(compiler.code, 1);
  assertStringIncludes(compiler.stderr, "unset CC");
});

Deno.test("a variant is verified from its first minute; a wrong template ends with 1", async () => {
  await using folder = await testFolder();
  const parts = ["deno.json", "deno.lock", "src", "kernels", "templates", "generated"];
  const { code, stderr } = await runCommand("cp", ["-a", ...parts, "node_modules", folder.path], {
    cwd: projectRoot(),
  });
  assertEquals(code, 0, stderr);
  const options = { root: folder.path, env: { KERF_CACHE: cacheDir() } };
  const think = await Deno.readTextFile(new URL("../kernels/prune/think.ts", import.meta.url));
  const mine = think.replace('name: "think"', 'name: "mine"');
  await folder.write(
    "kernels/prune/mine.ts",
    mine.replace("meanSquare(q) *", "2 * meanSquare(q) *"),
  );
  // Other targets' templates may still be missing.
  await Deno.remove(join(folder.path, "templates/wgsl/channel_scores.wgsl.njk"));
  const words = ["verify", "mine", "--device", "cpu", "--quick"];
  const fresh = await kerf(words, options);
  assertEquals(fresh.code, 0, fresh.stderr + fresh.stdout);
  assertStringIncludes(fresh.stdout, "all 9 kernels agree with their authors' functions");

  const template = join(folder.path, "templates/c/append.c.njk");
  const text = await Deno.readTextFile(template);
  const wrong = text.replace("(seq[2] + offset) % window", "(seq[2] + offset + 1) % window");
  assert(wrong !== text, "the template reads otherwise");
  await Deno.writeTextFile(template, wrong);
  const broken = await kerf(words, options);
  assertEquals(broken.code, 1, broken.stdout);
  assertMatch(
    broken.stdout,
    /record queries +c +\d+ .* FAIL {2}slot 1, layer 1, head \d+, row \d+/,
  );
  assertStringIncludes(broken.stdout, "of 9 kernels are off");
});

Deno.test("what was not verified is said, with what brings it", () => {
  const text = outcomeText({
    ...{ passed: true, seconds: 1, checks: [] },
    absent: [
      {
        ...{ variant: "drop", kind: "pruning", label: "c", kernels: ["drop_rows", "keep_rows"] },
        ...{ cases: 2, of: 2 },
      },
      { variant: "cap", kind: "attention", label: "c", kernels: ["cap_decode"], cases: 1, of: 9 },
    ],
    targets: [{ target: "c", label: "c", device: "cpu (2 threads)" }],
    missing: [{
      ...{ target: "wgsl", kind: "webgpu", because: "Cannot open a GPU: there is no adapter" },
      fix: ["deno task setup webgpu"],
    }],
  });
  assertStringIncludes(text, "c: cpu (2 threads)\n");
  assertStringIncludes(
    text,
    "drop is not there on c: it has no template for drop_rows, keep_rows\n",
  );
  assertStringIncludes(text, "1 of 9 cases of cap are not there on c: it has no template for cap_");
  assertStringIncludes(
    text,
    "wgsl was not verified: Cannot open a GPU: there is no adapter\n  hint: deno task setup webgpu\n",
  );
});
