/**
 * `verify` on the targets that are here: every variant passes, and a wrong kernel is told with its place.
 */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { openCpuDevice } from "../src/device/mod.ts";
import { openEmulatedCuda } from "../src/device/cuda/emulator/open.ts";
import type { Device } from "../src/device/types.ts";
import { ignoreWithoutAdapter, testWebgpu } from "../src/device/webgpu/testing.ts";
import { openRenderer } from "../src/emit/renderer.ts";
import { EMIT_TARGETS } from "../src/emit/targets/mod.ts";
import type { Renderer } from "../src/emit/renderer.ts";
import { projectRoot } from "../src/sys/cache_dir.ts";
import { variantsOf, verify } from "../src/verify/mod.ts";
import type { Check } from "../src/verify/mod.ts";

const renderer = await openRenderer(projectRoot());

/** How each target is opened; the adapter's device is all tests' and stays open. */
const DEVICES: readonly {
  readonly label: string;
  readonly open: () => Promise<Device>;
  readonly ignore?: boolean;
  readonly keep?: boolean;
}[] = [
  { label: "c", open: () => openCpuDevice({ threads: 2 }) },
  { label: "wgsl", open: testWebgpu, ignore: await ignoreWithoutAdapter(), keep: true },
  { label: "cuda (emulated)", open: () => openEmulatedCuda() },
];

/** A renderer whose kernels of that name read otherwise; every target has to have the text. */
function mutated(
  name: RegExp,
  find: RegExp,
  replace: string | ((found: string) => string),
): Renderer {
  const change = typeof replace === "string" ? replace : (found: string) => replace(found);
  return {
    ...renderer,
    render: async (kernel, targets) => {
      const rendered = await renderer.render(kernel, targets);
      if (!name.test(kernel)) return rendered;
      const texts = Object.entries(rendered.texts).map(([target, text]) => {
        assertMatch(text, find, `${kernel} on ${target}`);
        return [target, text.replace(find, change as string)];
      });
      return { ...rendered, texts: Object.fromEntries(texts) };
    },
  };
}

const off = (checks: readonly Check[]) =>
  checks.filter(({ failures }) => failures.length > 0).map(({ kernel }) => kernel);

/** Whether a device's target has a template for all there is. */
const lacksNothing = (label: string) =>
  EMIT_TARGETS.find(({ name }) => name === label.split(" ")[0])!.lacks.size === 0;

for (const { label, open, ignore = false, keep = false } of DEVICES) {
  const test = (name: string, fn: (run: typeof verify) => Promise<void>) =>
    Deno.test({
      name: `verify on ${label}: ${name}`,
      ignore,
      // What a graphics driver holds from the first test on is no test's leak.
      ...(keep ? { sanitizeOps: false, sanitizeResources: false } : {}),
      fn: async () => {
        const device = await open();
        const targets = [{ target: device.target, label, device }];
        try {
          await fn((options) => verify({ strength: 1, ...options, targets }));
        } finally {
          if (!keep) device.close();
        }
      },
    });

  test("every variant agrees with its author's function", async (run) => {
    const { checks, absent } = await run({ renderer, targets: [] });
    assertEquals(off(checks), []);
    if (lacksNothing(label)) assertEquals(absent, []);
    const multiplied = checks.some(({ kernel }) => kernel.endsWith("rounded"));
    assertEquals(multiplied, lacksNothing(label));
    const names = variantsOf(renderer).map(({ name }) => name);
    assert(names.some((name) => name.includes("+")), "a composition is among them");
    const missing = absent.filter(({ cases, of }) => cases === of).map(({ variant }) => variant);
    const met = [...checks.map(({ variant }) => variant), ...missing];
    assertEquals(new Set(met), new Set(names));
    const rounded = checks.filter(({ kernel }) => kernel === "prefill");
    assert(rounded.some(({ maxAbs }) => maxAbs > 0), "f32 differs from f64 somewhere");
  });

  test("a wrong score is told with its place", async (run) => {
    const wrong = mutated(/softcap_decode__/, /(kerf_tanh(?:16)?\(s) \/ [^)]*\)/, "$1)");
    const { checks } = await run({ renderer: wrong, names: ["softcap"], targets: [] });
    assertEquals(off(checks), ["decode + merge"]);
    const { worst } = checks.find(({ kernel }) => kernel === "decode + merge")!;
    assertEquals(Object.keys(worst!.at), ["row", "head", "channel"]);
    assertMatch(worst!.case, /^k f(16|32), v f(16|32), \d : 1, headDim \d+, \d+ \+ \d+ rows/);
    assert(Math.abs(worst!.got - worst!.want) > worst!.bound);
  });

  test("wrong scores of channels, and the choice they lead to", async (run) => {
    const find = /mean_square_q \* mean_square_k/;
    const wrong = mutated(/channel_scores_think/, find, "mean_square_q + mean_square_k");
    const { checks } = await run({ renderer: wrong, names: ["think"], targets: [] });
    // What follows is held to the channels that were chosen: right, whichever they are.
    assertEquals(off(checks), ["channel scores", "select channels"]);
  });

  test("wrong scores of rows, and the choice they lead to", async (run) => {
    const find = / \/ (?:sums\[2 \* query \+ 1\]|window_sums_buf\[sums \+ 1u\])/;
    const wrong = mutated(/token_scores_snapkv/, find, "");
    const { checks } = await run({ renderer: wrong, names: ["snapkv"], targets: [] });
    assertEquals(off(checks), ["token scores", "select rows"]);
    const { failures } = checks.find(({ kernel }) => kernel === "token scores")!;
    assertEquals(Object.keys(failures[0]!.at), ["head", "row"]);
  });

  test("what it has no template for is not there, and neither passes nor fails", async (run) => {
    const without: Renderer = {
      ...renderer,
      lacks: (name, target) => name === "select_rows" || renderer.lacks(name, target),
    };
    const found = await run({ renderer: without, names: ["key_norm", "alibi"], targets: [] });
    // Attention that rounds is held to a cache written by hand: it needs no rows selected.
    const needy = found.checks.filter(({ kernel }) => !kernel.endsWith(", rounded"));
    assertEquals(new Set(needy.map(({ variant }) => variant)), new Set(["alibi"]));
    assertEquals(found.absent.filter(({ variant }) => variant === "key_norm"), [
      { variant: "key_norm", kind: "pruning", label, kernels: ["select_rows"], cases: 5, of: 5 },
    ]);
  });

  test("a row that moves without its position", async (run) => {
    const find =
      /source\)\[row % PAGE_ROWS\]|\)\[from % PAGE_ROWS\]|arena_buf\[position_word\(value_pages,\s+kept_buf\[[^\]]*\]\)\]/;
    const wrong = mutated(/keep_rows/, find, (found) => `${found} + 1`);
    const { checks } = await run({ renderer: wrong, names: ["key_norm"], targets: [] });
    assertEquals(off(checks), ["keep rows"]);
    const { worst } = checks.find(({ kernel }) => kernel === "keep rows")!;
    assertEquals(Object.keys(worst!.at), ["head", "position of kept row"]);
    assertEquals(worst!.got - worst!.want, 1);
  });
}

for (
  const { what, variant, kernel, find, replace, tells } of [
    {
      what: "codes of another row's keys",
      variant: "kivi",
      kernel: /^encode_rows__f\d+t16/,
      find: /\(rows\[r\] \+/,
      replace: "(rows[r ^ 1] +",
      tells: ["encode rows"],
    },
    {
      what: "bytes that nothing makes up for",
      variant: "kivi",
      kernel: /^attention_causal_(?:prefill|decode)_q8/,
      find: /offsets\[fold\] -= /,
      replace: "offsets[fold] += ",
      tells: ["prefill, rounded", "decode + merge, rounded"],
    },
    {
      what: "a key that is turned back one place too far",
      variant: "streaming",
      kernel: /^keep_rows.*_cached/,
      find: /row - new_row\);/,
      replace: "row - new_row + 1);",
      tells: ["keep rows"],
    },
    {
      what: "a sum of weights whose largest logit was another one",
      variant: "think_values",
      kernel: /^window_outputs/,
      find: /sum = sum \* scale \+ kerf_sum16\(weight\)/,
      replace: "sum = sum + kerf_sum16(weight)",
      tells: ["window outputs", "select channels"],
    },
    {
      what: "rows of one class in front of the other's",
      variant: "think_bits",
      kernel: /^order_rows/,
      find: /is_chosen \? next : n_chosen \+ row - begin - next/,
      replace: "is_chosen ? n_rows - begin - n_chosen + next : row - begin - next",
      tells: ["order rows"],
    },
    {
      what: "losses that forget how much a row counts",
      variant: "think_bits",
      kernel: /^ordered_coding_losses/,
      find: /off \* kerf_load16\(&weights\[r\]\)/,
      replace: "off",
      tells: ["coding losses", "select bits"],
    },
    {
      what: "bits in the order of channels",
      variant: "think_bits",
      kernel: /^select_bits/,
      find: /theirs\.rate\[i\] > rate/,
      replace: "theirs.rate[i] < rate",
      tells: ["select bits"],
    },
    {
      what: "channels of a row by what they are off, not its square",
      variant: "spark",
      kernel: /^thin_rows/,
      find: /\(&scores\[c\]\) \* off \* off/,
      replace: "(&scores[c]) * off",
      tells: ["thin rows"],
    },
    {
      what: "decoded rows with their scale as the minimum",
      variant: "adakv+kivi",
      kernel: /^decode_rows__q4c/,
      find: /kerf_decode\(group,/,
      replace: "group.minimum = group.scale; kerf_decode(group,",
      tells: ["make rows whole"],
    },
  ]
) {
  Deno.test(`verify on c: ${what}`, async () => {
    const device = await openCpuDevice({ threads: 2 });
    try {
      const targets = [{ target: device.target, label: "c", device }];
      const wrong = mutated(kernel, find, replace);
      const { checks } = await verify({ renderer: wrong, names: [variant], targets, strength: 1 });
      assertEquals(off(checks), tells);
    } finally {
      device.close();
    }
  });
}
