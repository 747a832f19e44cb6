/**
 * A verification as one page that needs nothing else: what was found, and per variant the author's file
 * beside the kernels it became, the layout of the cache, and maps of the errors.
 */

import { element } from "../../core/html.ts";
import type { Html } from "../../core/html.ts";
import { htmlPage } from "../../core/html_page.ts";
import { TARGETS } from "../../core/manifest.ts";
import { channelHooks, rowBitsOf, stepOf } from "../../dsl/steps.ts";
import type { Pruning } from "../../dsl/pruning.ts";
import type { Renderer } from "../../emit/renderer.ts";
import type { KernelSource } from "../../emit/types.ts";
import type { SegmentSize } from "../../layout/bytes.ts";
import { denseLayout, layoutOf } from "../../layout/make.ts";
import { layoutName } from "../../layout/name.ts";
import type { PictureSizes } from "../../layout/picture.ts";
import type { Layout } from "../../layout/types.ts";
import { compressedRows } from "../attention_case.ts";
import { STREAMS } from "../cache_state.ts";
import { caseWidths } from "../case_choices.ts";
import { wholeLayout } from "../expand_stage.ts";
import { moveNames } from "../rows_leaving.ts";
import type { Outcome } from "../outcome.ts";
import type { Check } from "../result.ts";
import { layoutSteps } from "../pruning_case.ts";
import { selectVariants } from "../variants.ts";
import { errorMaps } from "./error_maps.ts";
import { rowFigure } from "./row_figure.ts";
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
  const groups = [...Map.groupBy(outcome.checks, anchorOf).values()];
  const sections: Html[] = [];
  for (const checks of groups) sections.push(await section(checks, options));
  const names = groups.map(([check]) => check!.variant);
  const about = names.length > 3 ? `${names.length} variants` : names.join(", ");
  return htmlPage(
    { title: `Kerf verify: ${about}`, style: STYLE, script: SCRIPT },
    verdict(outcome),
    summaryTable(outcome.checks),
    sections,
  );
}

/** One variant, or composition. */
async function section(
  checks: readonly Check[],
  { renderer, root }: ReportOptions,
): Promise<Html> {
  const { variant, kind } = checks[0]!;
  const [chosen] = selectVariants(renderer, [variant]);
  const sources = chosen!.sources;
  const prunes = kind === "pruning";
  const layout = prunes ? layoutOf(layoutSteps({ variants: sources }), TYPES) : denseLayout(TYPES);
  const panes: Html[] = [];
  for (const source of sources) panes.push(await panesOf(source, layout, { renderer, root }));
  const papers = sources.flatMap(({ definition }) => paper(definition.source));
  const pictures = checks.flatMap(({ rows, label }) => rows === null ? [] : [{ rows, label }]);
  return element(
    "section",
    { id: anchorOf(checks[0]!) },
    element("h2", {}, variant, element("small", {}, kind, papers)),
    sources.map(({ doc }) => element("p", {}, withCode(doc.join(" ")))),
    element("h3", {}, "What the author wrote, and what became of it"),
    sources.some(({ funcs }) => Object.keys(funcs).length > 0)
      ? element("p", { class: "note" }, "Marked lines are the author’s, on every target.")
      : [],
    panes,
    element("h3", {}, "How the cache is stored"),
    element(
      "p",
      { class: "note" },
      element("code", {}, layoutName(layout)),
      [layout.key, layout.value].some(({ segments }) => segments.length > 1)
        ? ": 300 rows, the older two thirds of them compressed"
        : ": 300 rows",
    ),
    layoutFigure(layout, sizesOf(layout)),
    pictures.length === 0 ? [] : [
      element("h3", {}, "Which rows stay"),
      pictures.slice(0, 1).map(({ rows, label }) => [
        element("p", { class: "note" }, `By position, as ${label} chose them.`),
        rowFigure(rows),
      ]),
    ],
    element("h3", {}, "Where the errors are"),
    errorMaps(checks),
  );
}

/** A comment's text, what stands between backticks as code. */
const withCode = (text: string): (Html | string)[] =>
  text.split("`").map((part, i) => i % 2 === 1 ? element("code", {}, part) : part);

/** An author's file beside the kernel that its first hook became. */
async function panesOf(
  { definition, file }: KernelSource,
  layout: Layout,
  { renderer, root }: ReportOptions,
): Promise<Html> {
  const { entry, texts } = await renderer.render(shownKernel(definition, layout));
  const paths = Object.fromEntries(
    TARGETS.map((target) => [target, entry.sources[target]?.file]),
  );
  const text = Deno.readTextFileSync(`${root}/${file}`);
  return sourcePanes({ file, text, texts, paths });
}

/** The kernel that has a definition's first hook; without one, what its steps do to rows. */
function shownKernel(definition: KernelSource["definition"], layout: Layout): string {
  const { kind, name } = definition;
  const whole = layoutName(layout);
  if (kind === "attention") return `attention_${name}_decode__${whole}`;
  const pruning = definition as Pruning;
  if (stepOf(pruning, "tokens")) {
    return `token_scores_${name}__${layoutName(wholeLayout(layout))}`;
  }
  const [scored] = channelHooks(pruning);
  if (scored) return `channel_scores_${name}${scored.of === "key" ? `__${whole}` : ""}`;
  if (rowBitsOf(pruning)) return `class_scores_${name}__${whole}`;
  return moveNames(layout)[0] ?? `append__${whole}`;
}

function paper(source: string | undefined): (Html | string)[] {
  if (source === undefined) return [];
  const id = /^arXiv:(\S+)$/.exec(source)?.[1];
  return [", ", id ? element("a", { href: `https://arxiv.org/abs/${id}` }, source) : source];
}

/** 300 rows as the cases have them. */
function sizesOf(layout: Layout): PictureSizes[] {
  const headDim = 64;
  const widths = caseWidths(layout, "mixed", headDim);
  return widths.key.map((_, kvHead): PictureSizes => {
    const [key, value] = STREAMS.map((of): SegmentSize[] => {
      const { segments } = layout[of];
      const old = compressedRows(layout, of, 300);
      const rest = 300 - old.reduce((a, b) => a + b, 0);
      return segments.map(({ channels, code }, i) => {
        const width = channels === "list" ? widths[of][kvHead]! : headDim;
        const high = code.kind === "affine" && code.low ? { high: Math.floor(width / 2) } : {};
        return { rows: old[i] ?? rest, width, ...high };
      });
    });
    return { headDim, key: key!, value: value! };
  });
}
