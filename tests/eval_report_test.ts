/**
 * The page of `eval --report` in a browser, made of fixed results: at the widths of a telephone and a desk,
 * light and dark, it asks for nothing, complains of nothing, fits, and its charts can be read. Without
 * Chromium that is ignored, unless KERF_REQUIRE names chromium.
 */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { reportPage } from "../src/eval/report/page.ts";
import { isRequired } from "../src/sys/required_testing.ts";
import {
  askChromium,
  chromiumPage,
  findChromium,
  htmlResponse,
  INSTALL_CHROMIUM,
} from "./_chromium.ts";
import { FIXED_IDENTITY, FIXED_KEPT, FIXED_RESULTS } from "./_eval_results.ts";

const INPUT = {
  ...{ results: FIXED_RESULTS, identity: FIXED_IDENTITY, tasks: ["ppl", "kl", "needle"], seed: 1 },
  leftOut: ["left out, --budget 1m is spent: continuation: passage <7>"],
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
    readonly textHeight: number;
  }[];
}

/** A page that does everything wrong. */
const WRONG = `<!doctype html><div class="chart" aria-label="wrong" style="width:2000px">
<svg width="2000" height="20"><text x="-50" y="10" font-size="3">cut</text></svg></div>
<img src="/elsewhere.png"><script>console.error("wrong")</script>`;

/** Blink's numbers of what a reader prefers. */
const SCHEMES = { light: 1, dark: 0 } as const;

/** Text lower than this, in pixels, is not read. */
const LOWEST_TEXT = 9;

const WIDTHS = [390, 1400];

async function look(program: string, page: string, scheme: keyof typeof SCHEMES) {
  const harness = await chromiumPage("report.html");
  const pages = WIDTHS.map((width) => ({ path: "/report", width }));
  const answers: Readonly<Record<string, () => Response>> = {
    "/": () => harness,
    "/pages": () => Response.json(pages),
    "/report": () => htmlResponse(page),
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

const program = await findChromium();
const ignore = program === undefined && !isRequired("chromium");
if (ignore) console.error(`ignored: no Chromium (${INSTALL_CHROMIUM})`);

Deno.test({
  name: "a report fits a telephone and a desk, in light and dark, and every chart can be read",
  ignore,
  async fn() {
    if (program === undefined) throw new Error(`KERF_REQUIRE: ${INSTALL_CHROMIUM}`);
    const page = await reportPage(INPUT);
    const colors = [];
    for (const scheme of ["light", "dark"] as const) {
      const { results, console, notFound } = await look(program, page, scheme);
      assertEquals([console, notFound], [[], []]);
      for (const [i, { wants, charts, color }] of results.entries()) {
        assert(wants <= WIDTHS[i]!, `${wants} of ${WIDTHS[i]} pixels`);
        assertEquals(charts.length, N_CHARTS);
        const bad = charts.filter(({ isInside, cut, textHeight }) =>
          !isInside || cut.length > 0 || !(textHeight >= LOWEST_TEXT)
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
    const { results, console, notFound } = await look(program, WRONG, "light");
    assert(results[0]!.wants > WIDTHS[0]!);
    const [chart] = results[0]!.charts;
    assertEquals([chart!.isInside, chart!.cut], [false, ["cut"]]);
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
      "passage &lt;1&gt;",
    ]
  ) {
    assertStringIncludes(page, part);
  }
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
