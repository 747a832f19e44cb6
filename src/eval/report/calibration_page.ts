/**
 * A calibration as one page that needs nothing else and runs nothing: what it costs when one layer or head
 * keeps little, and what each was given for it. Shows what the file holds, no more.
 */

import { element } from "../../core/html.ts";
import type { Html } from "../../core/html.ts";
import { htmlPage } from "../../core/html_page.ts";
import type { CalibrationFile } from "../calibration_file.ts";
import { passagesText } from "../passages.ts";
import { card, cardGrid } from "./card.ts";
import { drawChart } from "./chart.ts";
import { headMap } from "./head_map.ts";
import type { HeadCell } from "./head_map.ts";
import { markdownDetails } from "./markdown.ts";
import { STYLE } from "./style.ts";

/** A number of each unit, in the file's order. */
interface UnitNumbers {
  readonly of: (unit: number) => number;
  /** The largest of all maps that are to be compared. */
  readonly most: number;
  /** How full a square is, of its number's share of the largest. */
  readonly fullness: (share: number) => number;
  readonly text: (value: number) => string;
}

/** A digit or two: 0.012, 1.2, 12, 120. */
const shortText = (value: number): string =>
  value >= 100 ? value.toFixed(0) : String(Number(value.toPrecision(2)));

function cellsOf({ per, kept }: CalibrationFile, numbers: UnitNumbers): HeadCell[] {
  const { of, most, fullness, text } = numbers;
  return kept.flatMap((heads, layer) =>
    (per === "layer" ? ["all"] : heads.map((_, i) => String(i))).map((head, i, columns) => {
      const value = of(layer * columns.length + i);
      return { layer, head, share: most > 0 ? fullness(value / most) : 0, text: text(value) };
    })
  );
}

const mapCard = async (title: string, cells: readonly HeadCell[], label: string): Promise<Html> =>
  card(element("b", {}, title), await drawChart(headMap(cells), label));

/** The numbers of all maps as Markdown. */
function markdown({ per, kept, measuredCounts, kl, counts }: CalibrationFile): Html {
  const units = kept.flatMap((heads, layer) =>
    per === "layer"
      ? [{ name: [layer], kept: heads[0]! }]
      : heads.map((kept, head) => ({ name: [layer, head], kept }))
  );
  return markdownDetails({
    what: "the numbers",
    heads: [
      ...(per === "layer" ? ["layer"] : ["layer", "KV head"]),
      ...measuredCounts.map((n) => `KL at ${n}`),
      counts,
    ],
    rows: units.map(({ name, kept }, i) => [...name, ...kl[i]!, kept]),
    words: 0,
  });
}

/** @param said what the terminal says of it, a line each */
export async function calibrationPage(
  file: CalibrationFile,
  said: readonly string[],
): Promise<string> {
  const { model, modelSha256, spec, per, counts, uniform, kept, measuredCounts, kl } = file;
  const { commit, machine, nPrompt, nFed, passages } = file;
  const mostKl = Math.max(...kl.flat());
  const costs: Html[] = [];
  for (const [i, n] of measuredCounts.entries()) {
    const cells = cellsOf(file, {
      ...{ of: (unit) => kl[unit]![i]!, most: mostKl, fullness: Math.sqrt },
      text: (value) => shortText(1000 * value),
    });
    const label = `KL by layer and head where one ${per} keeps ${n} ${counts}`;
    costs.push(await mapCard(`keeps ${n}`, cells, label));
  }
  const given = kept.flatMap((heads) => per === "layer" ? [heads[0]!] : heads);
  const shares = cellsOf(file, {
    ...{ of: (unit) => given[unit]!, most: Math.max(...given), fullness: (share) => share },
    text: String,
  });
  const title = `What a budget means to each ${per}`;
  return htmlPage(
    { title: `Kerf calibration: ${spec}`, style: STYLE },
    element("h1", {}, title),
    element(
      "p",
      { class: "lead" },
      ...[element("code", {}, spec), ` on ${model}: ${passagesText(passages.length)} of `],
      `${nPrompt} + ${nFed} tokens (${passages.join(", ")}); ${machine}; commit ${commit}; ` +
        `model ${modelSha256.slice(0, 12)}.`,
    ),
    said.map((line) =>
      line.startsWith(" ") ? element("pre", {}, line.trim()) : element("p", { class: "note" }, line)
    ),
    element("h2", {}, `What it costs when one ${per} keeps little`),
    element(
      "p",
      { class: "note" },
      `Mean KL to the full cache in thousandths of a nat, where one ${per} keeps so many ${counts} ` +
        "and all others keep everything. One scale for all maps; the ground is as full as the root " +
        "of the KL.",
    ),
    cardGrid(costs),
    element("h2", {}, `What each ${per} is given`),
    element("p", { class: "note" }, `How many ${counts}: ${uniform} in the mean.`),
    cardGrid([await mapCard(counts, shares, `${counts} by layer and head`)]),
    markdown(file),
  );
}
