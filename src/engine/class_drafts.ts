/**
 * The kernels that put a layer's rows in the order of their classes, before they are coded: scores of the
 * rows that are due, the choice of those that get more bits, and an order in which these come first.
 */

import { layoutName } from "../layout/name.ts";
import { whole } from "./draft.ts";
import type { Draft } from "./draft.ts";
import type { LayerAt } from "./compress_drafts.ts";
import type { PlanBuffers } from "./plan_buffers.ts";
import type { PlanInputs } from "./plan_inputs.ts";
import type { RowClassesPlan } from "./row_classes_plan.ts";
import { inKernelSpelling } from "./tables.ts";

/** A layer whose oldest full rows are due. */
export interface OrderAt extends LayerAt {
  /** Tokens seen: the position after the last query. */
  readonly nTokens: number;
  /** Rows up to the last that is due in a head, to whole tiles: what lists of rows are long. */
  readonly maxRows: number;
}

/** The length of lists of rows where at most `nDue` of a head are due, behind `first` that never are. */
export const listLength = (nDue: number, first: number): number =>
  Math.ceil((first + nDue) / 16) * 16;

/** Orders a layer's due rows, counted from the first full one: those of more bits, then the others. */
export function orderDrafts(
  classes: RowClassesPlan,
  { inputs: { cache, config }, buffers }: {
    readonly inputs: Pick<PlanInputs, "cache" | "config">;
    readonly buffers: PlanBuffers;
  },
  { slot, layer, nTokens, maxRows }: OrderAt,
): Draft[] {
  const { window, definition, group, first } = classes;
  const name = layoutName(cache.shape.layout);
  const ring = buffers.rings.get(window);
  const own = {
    buffers: {
      ...buffers.classTables,
      ...(ring ? { q_ring: ring } : {}),
      arena: whole(cache.table.arenas[layer]!),
    },
    constants: {
      ...inKernelSpelling(classes.params),
      ...{ slot, layer, window, n_window: Math.min(window, nTokens), n_tokens: nTokens },
      ...{ n_tiles: maxRows / 16, max_rows: maxRows },
    },
  };
  const constants = { layer, max_rows: maxRows, protect_first: first, protect_last: 0 };
  const perKvHead = ring ? config.nHeads / config.nKvHeads : 1;
  return [
    ...(ring
      ? [{ kernel: `window_softmax__${name}`, label: `layer ${layer} · window`, ...own }]
      : []),
    {
      kernel: `class_scores_${definition.name}__${name}`,
      label: `layer ${layer} · score rows`,
      ...own,
    },
    {
      kernel: "pool_scores",
      label: `layer ${layer} · pool scores`,
      constants: {
        ...constants,
        ...{ n_sources: perKvHead, source_step: perKvHead, pool_width: 1, pools_max: 1 },
        takes_max: group === "max" ? 1 : 0,
      },
    },
    {
      kernel: "select_rows",
      label: `layer ${layer} · select rows`,
      constants: { ...constants, shares: 0 },
    },
    { kernel: "order_rows", label: `layer ${layer} · order rows`, constants },
  ];
}
