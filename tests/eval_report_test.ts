/**
 * The pages of `eval --report` and `eval calibrate --report` in a browser, made of fixed results: at the widths
 * of a telephone and a desk, light and dark, they ask for nothing, complain of nothing, fit, and their charts
 * can be read. Without Chromium that is ignored, unless KERF_REQUIRE names chromium.
 */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { calibrationPage } from "../src/eval/report/calibration_page.ts";
import { reportPage } from "../src/eval/report/page.ts";
import { isRequired } from "../src/sys/required_testing.ts";
import {
  askChromium,
  chromiumPage,
  findChromium,
  htmlResponse,
  INSTALL_CHROMIUM,
} from "./_chromium.ts";
import { FIXED_CALIBRATION, FIXED_IDENTITY, FIXED_KEPT, FIXED_RESULTS } from "./_eval_results.ts";

const INPUT = {
  ...{ results: FIXED_RESULTS, identity: FIXED_IDENTITY, tasks: ["ppl", "kl", "needle"], seed: 1 },
  notes: ["left out, --budget 1m is spent: continuation: passage <7>"],
  kept: FIXED_KEPT,
};

/** What tests/chromium/report.html posts of a page. */
interface Measured {
  readonly wants: number;
  readonly color: string;
  readonly charts: readonly {
    readonly label: string;
    readonly isInside: boolean;
    readonly cut: readonly string[];
    readonly crossing: readonly string[];
    readonly textHeight: number;
  }[];
}

/** A page that does everything wrong. */
const WRONG = `<!doctype html><div class="chart" aria-label="wrong" style="width:2000px">
<svg width="2000" height="40"><text x="-50" y="10" font-size="3">cut</text>
<text x="90" y="25">one</text><text x="95" y="26">two</text></svg></div>
<img src="/elsewhere.png"><script>console.error("wrong")</script>`;

/** Blink's numbers of what a reader prefers. */
const SCHEMES = { light: 1, dark: 0 } as const;

/** Text lower than this, in pixels, is not read. */
const LOWEST_TEXT = 9;

const WIDTHS = [390, 1400];

/** Pages in a browser, each at every width. */
async function look(program: string, pages: readonly string[], scheme: keyof typeof SCHEMES) {
  const harness = await chromiumPage("report.html");
  const paths = pages.map((_, i) => `/report${i}`);
  const answers: Readonly<Record<string, () => Response>> = {
    "/": () => harness,
    "/pages": () =>
      Response.json(paths.flatMap((path) => WIDTHS.map((width) => ({ path, width })))),
    ...Object.fromEntries(paths.map((path, i) => [path, () => htmlResponse(pages[i]!)])),
  };
  return await askChromium<Measured[]>({
    program,
    flags: [`--blink-settings=preferredColorScheme=${SCHEMES[scheme]}`, "--window-size=1500,1000"],
    serve: (path) => answers[path]?.(),
  });
}

/** Charts that are shown: one in a task's own metric and one of speed where it is new; a spec's needles and KL;
 * kept key channels of two specs, kept value channels of one. */
const N_CHARTS = 3 + 2 + 10 + 9 + 3;

/** Of a calibration: one of every count that was measured, and one of what was given. */
const N_CALIBRATION_CHARTS = 4 + 1;

const program = await findChromium();
const ignore = program === undefined && !isRequired("chromium");
if (ignore) console.error(`ignored: no Chromium (${INSTALL_CHROMIUM})`);

Deno.test({
  name: "reports fit a telephone and a desk, in light and dark, and every chart can be read",
  ignore,
  async fn() {
    if (program === undefined) throw new Error(`KERF_REQUIRE: ${INSTALL_CHROMIUM}`);
    const pages = [await reportPage(INPUT), await calibrationPage(FIXED_CALIBRATION, ["  said"])];
    const nCharts = [N_CHARTS, N_CALIBRATION_CHARTS];
    const colors = [];
    for (const scheme of ["light", "dark"] as const) {
      const { results, console, notFound } = await look(program, pages, scheme);
      assertEquals([console, notFound], [[], []]);
      for (const [i, { wants, charts, color }] of results.entries()) {
        const width = WIDTHS[i % WIDTHS.length]!;
        assert(wants <= width, `${wants} of ${width} pixels`);
        assertEquals(charts.length, nCharts[Math.floor(i / WIDTHS.length)]);
        const bad = charts.filter(({ isInside, cut, crossing, textHeight }) =>
          !isInside || cut.length + crossing.length > 0 || !(textHeight >= LOWEST_TEXT)
        );
        assertEquals(bad, []);
        colors.push(color);
      }
    }
    assertEquals(new Set(colors).size, 2, "dark is as light");
  },
});

Deno.test({
  name: "a wrong page is found out",
  ignore,
  async fn() {
    if (program === undefined) throw new Error(`KERF_REQUIRE: ${INSTALL_CHROMIUM}`);
    const { results, console, notFound } = await look(program, [WRONG], "light");
    assert(results[0]!.wants > WIDTHS[0]!);
    const [chart] = results[0]!.charts;
    assertEquals([chart!.isInside, chart!.cut, chart!.crossing], [false, ["cut"], ["one and two"]]);
    assert(chart!.textHeight < LOWEST_TEXT);
    assertStringIncludes(console.join("\n"), '"wrong"');
    assertEquals(notFound, ["/elsewhere.png", "/elsewhere.png"]);
  },
});

Deno.test("a report needs nothing else, and says what was measured", async () => {
  const page = await reportPage(INPUT);
  // Namespaces are names; nothing else is an address, and nothing runs.
  const addresses = page.match(/(https?:)?\/\/[^\s"<]+/g)!;
  assertEquals([...new Set(addresses.map((name) => new URL(name).host))], ["www.w3.org"]);
  assert(!/<script|<link|@import|url\(/.test(page));
  assert(!page.includes("NaN") && !page.includes("undefined"));
  for (
    const part of [
      "passage &lt;7&gt;",
      "seed 1",
      "commit 0123456",
      "| spec, n = 6 | KV | kl | top1 |",
      "dnll: nll less the full cache&#39;s",
      "passage &lt;1&gt;",
      "Best of those that store less: spec 8, 0.0037 in 31.0 % of the bytes. In the fewest bytes: spec 10, ",
      "Best of those that store less, and in the fewest bytes: spec 10, ",
      '<span class="t0">no head</span> <span class="t1">under 33 %</span>',
      "whole answer was the likeliest, 2 a square.",
      ...[1024, 2048, 4096].map((length) => `spec, ${length} tokens, n = 10`),
    ]
  ) {
    assertStringIncludes(page, part);
  }
});

Deno.test("a calibration's page says what was measured of every head, and what it was given", async () => {
  const page = await calibrationPage(FIXED_CALIBRATION, ["all of it &", "  deno task eval"]);
  assert(!/<script|<link|@import|url\(/.test(page));
  assert(!page.includes("NaN") && !page.includes("undefined"));
  const [first, last] = [FIXED_CALIBRATION.kl[0]!, FIXED_CALIBRATION.kl.at(-1)!];
  for (
    const part of [
      ...["all of it &amp;", "<pre>deno task eval</pre>", "passage &lt;2&gt;", "commit 0123456"],
      "| layer | KV head | KL at 8 | KL at 16 | KL at 32 | KL at 48 | key channels |",
      `| 0 | 0 | ${first.join(" | ")} | 8 |`,
      `| 29 | 2 | ${last.join(" | ")} | 48 |`,
    ]
  ) {
    assertStringIncludes(page, part);
  }
  const maps = page.split('class="chart"').slice(1);
  assertEquals(maps.length, N_CALIBRATION_CHARTS);
  for (const [i, count] of FIXED_CALIBRATION.measuredCounts.entries()) {
    assertStringIncludes(maps[i]!, `where one head keeps ${count} key channels"`);
    const texts = [first, last].map((kls) => `>${Number((1000 * kls[i]!).toPrecision(2))}</text>`);
    for (const text of texts) assertStringIncludes(maps[i]!, text);
  }
  const kl = FIXED_CALIBRATION.kl.slice(0, 30);
  const byLayer = await calibrationPage({ ...FIXED_CALIBRATION, per: "layer", kl }, []);
  assertStringIncludes(byLayer, "| layer | KL at 8 |");
});

Deno.test("a report of the full cache alone has nothing to draw of KL, and says so", async () => {
  const results = FIXED_RESULTS.filter(({ spec }) => spec === "none");
  const page = await reportPage({
    ...INPUT,
    results,
    tasks: ["kl"],
    kept: { ...FIXED_KEPT, specs: [] },
  });
  assertStringIncludes(page, "Nothing but the full cache itself was measured.");
  assert(!page.includes("KL along positions") && !page.includes("Kept"));
});
