/** A section for each protocol that gave a KL per position: a line a spec, all on one scale. */

import { element } from "../../core/html.ts";
import type { Html } from "../../core/html.ts";
import { KL_NOISE } from "../metrics.ts";
import { cardGrid } from "./card.ts";
import { drawChart } from "./chart.ts";
import { specCard } from "./numbered.ts";
import type { SpecNumbers } from "./numbered.ts";
import type { PageInput } from "./page.ts";
import { klAlong, positionChart } from "./position_chart.ts";

/** None where only the full cache was measured. */
export async function positionSections(
  { results }: PageInput,
  numbers: SpecNumbers,
): Promise<Html[]> {
  const sections: Html[] = [];
  const own = results.filter(({ series }) => series?.kl?.some((kl) => kl > 0));
  for (const [protocol, items] of Map.groupBy(own, (result) => result.protocol)) {
    const lines = [...Map.groupBy(items, ({ spec }) => spec)]
      .map(([spec, of]) => ({ spec, values: klAlong(of.map(({ series }) => series!.kl!)) }));
    const largest = Math.max(...lines.flatMap(({ values }) => values.map(({ kl }) => kl)));
    const cards: Html[] = [];
    for (const { spec, values } of lines) {
      const chart = await drawChart(
        positionChart(values, largest),
        `KL along positions of ${spec}`,
      );
      cards.push(specCard(spec, numbers, chart));
    }
    sections.push(
      element("h2", {}, `KL along positions: ${protocol}`),
      element(
        "p",
        { class: "note" },
        "Mean KL over passages and neighbouring positions, on one scale, logarithmic. " +
          `Below the dashed line (${KL_NOISE}) is noise.`,
      ),
      cardGrid(cards),
    );
  }
  return sections;
}
