/** What is drawn of the study: charts, all numbers, and the tables inside README.md. */

import { familyChart } from "./chart.ts";
import type { Mark, Vertical } from "./chart.ts";
import { readLength } from "./lengths.ts";
import type { Length } from "./lengths.ts";
import { bestSpecs, everySpec, overview } from "./tables.ts";

/** Lengths of the study. */
const LENGTHS = [1024, 3072, 4096, 8064];

/** Noise of the arithmetic, as docs/evaluation.md has it. */
const KL: Vertical = {
  ...{ title: "KL to the full cache, nats a token", better: "low", scale: "log" },
  ticks: [0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5],
  rule: { y: 0.005, text: "below 0.005: noise" },
};

/** @param full the full cache's own */
const answerNll = (full: number): Vertical => ({
  ...{ title: "NLL of the answer, nats a token", better: "low", scale: "log" },
  ticks: [0.1, 0.2, 0.5, 1, 2, 4],
  rule: { y: full, text: `full cache ${full.toFixed(2)}` },
});

/** Specs that a metric was measured of; the full cache is what others are held to. */
const marksOf = ({ specs }: Length, metric: string): Mark[] =>
  specs.filter(({ spec, metrics }) => spec !== "none" && metrics.has(metric))
    .map(({ family, percent, metrics }) => ({ family, x: percent, y: metrics.get(metric)!.mean }));

const thousands = (n: number) => n.toLocaleString("en-US");

/** A length's charts by file name. */
async function chartsOf(length: Length): Promise<[string, string][]> {
  const { nTokens } = length;
  const charts: [string, string][] = [];
  const full = length.specs.find(({ spec }) => spec === "none")?.metrics.get("answer_nll");
  const inside = ({ y }: Mark) => y >= KL.ticks[0]! && y <= KL.ticks.at(-1)!;
  const [kl, nll] = [marksOf(length, "kl").filter(inside), marksOf(length, "answer_nll")];
  if (kl.length > 0) {
    const title = `What pruning loses after ${thousands(nTokens)} tokens`;
    charts.push([`kl_${nTokens}.svg`, await familyChart(kl, { title, vertical: KL })]);
  }
  if (full !== undefined && nll.length > 0) {
    const title = `Needles asked for after compression, ${thousands(nTokens)} tokens`;
    const vertical = answerNll(full.mean);
    charts.push([`later_${nTokens}.svg`, await familyChart(nll, { title, vertical })]);
  }
  return charts;
}

/** A text with what stands between two marks replaced. @throws {Error} the marks are not there */
function withBlock(text: string, name: string, block: string): string {
  const [begin, end] = [`<!-- ${name} -->\n\n`, `\n<!-- end -->`];
  const from = text.indexOf(begin);
  const to = text.indexOf(end, from);
  if (from < 0 || to < 0) throw new Error(`README.md has no place for ${name}`);
  return text.slice(0, from + begin.length) + block + text.slice(to);
}

/** Everything drawn, by its name in the folder. */
export async function studyFiles(folder: URL): Promise<Map<string, string>> {
  const lengths = LENGTHS.map((nTokens) => readLength(folder, nTokens));
  const files = new Map<string, string>();
  for (const length of lengths) {
    for (const [name, svg] of await chartsOf(length)) files.set(name, svg);
  }
  const sections = lengths.map((length) =>
    `## ${thousands(length.nTokens)} tokens\n\n${everySpec(length)}`
  );
  files.set(
    "numbers.md",
    `# All numbers\n\n[README.md](README.md) says what they are.\n\n${sections.join("\n")}`,
  );
  let page = await Deno.readTextFile(new URL("README.md", folder));
  page = withBlock(page, "overview", overview(lengths));
  for (const length of lengths) {
    page = withBlock(page, `best of ${length.nTokens}`, bestSpecs(length));
  }
  files.set("README.md", page);
  return files;
}
