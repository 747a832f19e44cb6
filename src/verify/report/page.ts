/**
 * A verification as one page that needs nothing else: what was found, and per variant the author's file
 * beside the kernels it became, the layout of the cache, and maps of the errors.
 */

import type { Pruning } from "../../dsl/pruning.ts";
import type { Renderer } from "../../emit/renderer.ts";
import type { KernelSource } from "../../emit/types.ts";
import { denseLayout, layoutOf } from "../../layout/make.ts";
import { layoutName } from "../../layout/name.ts";
import type { PictureSizes } from "../../layout/picture.ts";
import { N_KV_HEADS, widthsOf } from "../cases.ts";
import type { Outcome } from "../outcome.ts";
import { shareText, shortNumber } from "../outcome.ts";
import type { Check } from "../result.ts";
import { heatLegend, heatMap, matricesOf } from "./heat_map.ts";
import { html } from "./html.ts";
import type { Html } from "./html.ts";
import { layoutFigure } from "./layout_figure.ts";
import { sourcePanes } from "./sources.ts";
import { SCRIPT, STYLE } from "./style.ts";
import { anchorOf, summaryTable, verdict } from "./summary.ts";

/** Where the page's texts come from. */
export interface ReportOptions {
  readonly renderer: Renderer;
  /** The project's root: authors' files are read below it. */
  readonly root: string;
}

const TYPES = { key: "f16", value: "f16" } as const;

/** The whole page. */
export async function reportPage(outcome: Outcome, options: ReportOptions): Promise<string> {
  const groups = Map.groupBy(outcome.checks, anchorOf);
  const sections: Html[] = [];
  for (const [anchor, checks] of groups) sections.push(await section(anchor, checks, options));
  const variants = [...groups.values()].map(([check]) => check!.variant);
  const title = `Kerf verify: ${
    variants.length > 3 ? `${variants.length} variants` : variants.join(", ")
  }`;
  return html`
    <!DOCTYPE html>
    <html lang="en">
      <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <title>${title}</title>
        <style>${{ html: STYLE }}</style>
      </head>
      <body>
    ${verdict(outcome)}
    ${summaryTable(outcome.checks)}
    ${sections}
    <script>${{ html: SCRIPT }}</script>
      </body>
    </html>
  `.html;
}

async function section(
  anchor: string,
  checks: readonly Check[],
  { renderer, root }: ReportOptions,
): Promise<Html> {
  const { variant, kind } = checks[0]!;
  const source = renderer.sources.find(({ definition }) =>
    definition.kind === kind && definition.name === variant
  )!;
  const layout = kind === "pruning"
    ? layoutOf(source.definition as Pruning, TYPES)
    : denseLayout(TYPES);
  const head = kind === "pruning" ? `channel_scores_${variant}` : `attention_${variant}_decode`;
  const kernel = `${head}__${layoutName(layout)}`;
  const { texts } = await renderer.render(kernel);
  const text = Deno.readTextFileSync(`${root}/${source.file}`);
  return html`<section id="${anchor}"><h2>${variant}<small>${kind}${paper(source)}</small></h2>
<p>${source.doc.join(" ")}</p>
<h3>What the author wrote, and what became of it</h3>
<p class="note">Marked lines are the author’s, on every target. Kernel: <code>${kernel}</code></p>
${sourcePanes({ file: source.file, text, kernel, texts })}
<h3>How the cache is stored</h3>
<p class="note"><code>${layoutName(layout)}</code>, ${
    kind === "pruning" ? "300 rows of a prompt after compression, the last 32 whole" : "300 rows"
  }</p>
${layoutFigure(layout, sizes(kind))}
<h3>Where the errors are</h3>
${errorMaps(checks)}</section>`;
}

const paper = ({ definition: { source } }: KernelSource): Html => {
  if (source === undefined) return html``;
  const arxiv = /^arXiv:(\S+)$/.exec(source);
  return arxiv
    ? html`, <a href="https://arxiv.org/abs/${arxiv[1]!}">${source}</a>`
    : html`, ${source}`;
};

/** 300 rows as the cases have them: of a pruned cache all but the last 32 lose channels. */
function sizes(kind: Check["kind"]): PictureSizes[] {
  const headDim = 64;
  const whole = { rows: 300, width: headDim };
  if (kind === "attention") return [{ headDim, key: [whole], value: [whole] }];
  return widthsOf("mixed", headDim).slice(0, N_KV_HEADS).map((width) => ({
    headDim,
    key: [{ rows: 268, width }, { rows: 32, width: headDim }],
    value: [whole],
  }));
}

/** Per kernel the worst case of each target; kernels without any error in one line. */
function errorMaps(checks: readonly Check[]): Html {
  const kernels = [...Map.groupBy(checks, ({ kernel }) => kernel)];
  const exact = kernels.filter(([, own]) => own.every(({ maxAbs }) => maxAbs === 0));
  const others = kernels.filter((entry) => !exact.includes(entry));
  const names = exact.map(([kernel]) => kernel).join(", ");
  return html`${others.map(([kernel, own]) => kernelMaps(kernel, own))}${
    exact.length === 0 ? html`` : html`<p class="note">To the bit on every target: ${names}.</p>`
  }`;
}

function kernelMaps(kernel: string, checks: readonly Check[]): Html {
  const largest = Math.max(
    ...checks.map(({ errorMap }) =>
      (errorMap?.errors ?? new Float64Array(1)).reduce(
        (most, x) => Number.isFinite(x) ? Math.max(most, x) : most,
        0,
      )
    ),
  );
  const scale = largest > 0 ? largest : 1;
  const targets = checks.map(({ label, errorMap, maxAbs, maxShare, worst }) => {
    const maps = errorMap ? matricesOf(errorMap).map((matrix) => heatMap(matrix, scale)) : [];
    const facts = `${shortNumber(maxAbs)}, ${shareText(maxShare)} of the bound`;
    return html`
      <div
        class="target"><b>${label}<span>${facts}</span></b><div class="pair">${maps}</div><p class="note">${worst
          ?.case ?? ""}</p></div>
    `;
  });
  return html`
    <div
      class="kernel"><h4>${kernel}<small>the case of the largest share of its bound, per target</small></h4><div class="maps">${targets}</div>${heatLegend(
        scale,
      )}</div>
  `;
}
