/** A section for each task whose prompts have depths: a map a spec. */

import { element } from "../../core/html.ts";
import type { Html } from "../../core/html.ts";
import { mean } from "../statistics.ts";
import { mainMetric } from "../tasks.ts";
import { cardGrid } from "./card.ts";
import { drawChart } from "./chart.ts";
import { needleMap } from "./needle_map.ts";
import type { NeedleCell } from "./needle_map.ts";
import { specCard } from "./numbered.ts";
import type { SpecNumbers } from "./numbered.ts";
import type { PageInput } from "./page.ts";

/** How many prompts squares stand for. */
function countText(sizes: readonly number[]): string {
  const [least, most] = [Math.min(...sizes), Math.max(...sizes)];
  if (least < most) return `${least} to ${most}`;
  return most === 1 ? "one" : String(most);
}

/** None without needles. */
export async function needleSections(
  { results, tasks }: PageInput,
  numbers: SpecNumbers,
): Promise<Html[]> {
  const sections: Html[] = [];
  for (const task of tasks) {
    const metric = mainMetric(task);
    const found = results.flatMap(({ spec, labels, values }) => {
      const value = values.find((value) => value.task === task && value.metric === metric)?.value;
      return labels?.depth === undefined || value === undefined
        ? []
        : [{ spec, length: Number(labels.length), depth: Number(labels.depth), value }];
    });
    if (found.length === 0) continue;
    const cards: Html[] = [];
    const sizes: number[] = [];
    for (const [spec, own] of Map.groupBy(found, (item) => item.spec)) {
      const groups = Map.groupBy(own, ({ length, depth }) => `${length} ${depth}`);
      sizes.push(...[...groups.values()].map(({ length }) => length));
      const cells = [...groups.values()].map((items): NeedleCell => ({
        ...{ length: items[0]!.length, depth: items[0]!.depth },
        share: mean(items.map(({ value }) => value)),
      }));
      const chart = await drawChart(
        needleMap(cells),
        `${task} hits of ${spec} by depth and length`,
      );
      cards.push(specCard(spec, numbers, chart));
    }
    sections.push(
      element("h2", {}, `${task}: hits by depth and length`),
      element(
        "p",
        { class: "note" },
        "Share of prompts whose whole answer was the likeliest, " +
          `${countText(sizes)} a square. Depth 0 is the prompt's beginning, 1 its end.`,
      ),
      cardGrid(cards),
    );
  }
  return sections;
}
