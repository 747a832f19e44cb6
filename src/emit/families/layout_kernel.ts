/** Template kernels that walk a cache's rows: one per layout whose rows carry positions, or lose channels in some way. */

import { KerfError } from "../../core/error.ts";
import type { Constant } from "../../core/signature.ts";
import type { LayoutKernel } from "../../dsl/layout_kernel.ts";
import { layoutName, parseLayoutName } from "../../layout/name.ts";
import { hasRowClasses } from "../../layout/row_classes.ts";
import { ARENA_UNIT, PAGE_ROWS } from "../../layout/types.ts";
import type { Layout } from "../../layout/types.ts";
import { cacheContext } from "../cache_context.ts";
import { headFields, listShape, u32 } from "../signature_parts.ts";
import { checkStored } from "../stored.ts";
import type { EmitRequest, Family, KernelSource, KernelUnit } from "../types.ts";
import { kernelName } from "../types.ts";

/** The family of kernels that walk rows. */
export const layoutKernels: Family = Object.freeze<Family>({
  kind: "layout_kernel",
  heads: (source) => [source.definition.name],
  variants: ({ definition }, { layouts }) => {
    const { rows, losing, classes, scores } = definition as LayoutKernel;
    const reads = (layout: Layout) =>
      rows === "whole"
        ? LOSES[losing](layout)
        : isWalked(layout, classes) && !(scores && layout.rowSums);
    return layouts.filter(reads).map((layout) => [layoutName(layout)]);
  },
  emit(source, request) {
    const { name, bindings, constants, defines, grid, classes, rows } = source
      .definition as LayoutKernel;
    if (rows === "whole") return wholeRowsUnit(source, request);
    const layout = requestedLayout(request, { classes });
    const context = cacheContext(kernelName(request), layout);
    const reads: Readonly<Record<string, boolean>> = {
      channels: context.lists_channels,
      fills: context.fills_means,
      rope: layout.positions === "cache",
    };
    return {
      signature: {
        name: kernelName(request),
        bindings: bindings.filter(({ name }) => reads[name] ?? true)
          .map((binding) =>
            ["channels", "fills"].includes(binding.name)
              ? { ...binding, shape: listShape(layout) }
              : binding
          ),
        constants: [...constants, ...pageConstants(layout)],
        defines,
      },
      doc: source.doc,
      from: [source.file],
      template: name,
      context: { ...context },
      grid,
    };
  },
});

/** What the templates of kernels over whole rows read. */
export interface WholeRowsContext {
  readonly page_rows: string;
  readonly arena_unit: string;
  readonly head_fields: string;
  /** Where the row counts of the last segments stand among a head's fields of `heads`. */
  readonly key_rows_field: string;
  readonly value_rows_field: string;
  readonly key_code: "f16" | "f32";
  readonly value_code: "f16" | "f32";
  /** Whether pages of values begin with their rows' positions; else a row's place is its position. */
  readonly row_positions: boolean;
  /** Whether running sums stand behind these. */
  readonly row_sums: boolean;
}

/** A kernel over the rows of a layout's last segments. */
function wholeRowsUnit(source: KernelSource, request: EmitRequest): KernelUnit {
  const { name, bindings, constants, defines, grid } = source.definition as LayoutKernel;
  const kernel = kernelName(request);
  const layout = parseLayoutName(request.suffixes.join("__"));
  const { key: { segments: keys }, value: { segments: values } } = layout;
  const context: WholeRowsContext = {
    page_rows: String(PAGE_ROWS),
    arena_unit: String(ARENA_UNIT),
    head_fields: headFields(layout),
    key_rows_field: String(2 * (keys.length - 1)),
    value_rows_field: String(2 * (keys.length + values.length - 1)),
    key_code: checkStored(kernel, keys.at(-1)!, { tile: 16 }),
    value_code: checkStored(kernel, values.at(-1)!, { tile: 1 }),
    row_positions: layout.rowPositions,
    row_sums: layout.rowSums,
  };
  return {
    signature: { name: kernel, bindings, constants, defines },
    doc: source.doc,
    from: [source.file],
    template: name,
    context: { ...context },
    grid,
  };
}

/** Where the pages of each segment begin. */
export const pageConstants = ({ key, value }: Layout): Constant[] => [
  ...key.segments.map((_, i) => u32(`key_page_${i}`, "the segment's first page entry")),
  ...value.segments.map((_, i) => u32(`value_page_${i}`)),
];

/** Whether rows of a layout lose channels in a way, once they are not whole. */
const LOSES: Readonly<Record<LayoutKernel["losing"], (layout: Layout) => boolean>> = {
  values: ({ value }) => value.segments.some(({ channels }) => channels === "list"),
  sets: ({ key }) => key.segments.some(({ channels }) => channels === "bitmap"),
};

/** Whether kernels walk a layout's rows: they carry positions, or lie in classes. */
export const isWalked = (layout: Layout, classes: boolean): boolean =>
  hasRowClasses(layout) ? classes : layout.rowPositions && layout.value.segments.length === 1;

/**
 * @param options.classes whether rows may lie in classes
 * @throws {KerfError} the name is of no layout, or of one without positions
 */
export function requestedLayout(
  request: EmitRequest,
  { classes }: { readonly classes: boolean },
): Layout {
  const layout = parseLayoutName(request.suffixes.join("__"));
  if (isWalked(layout, classes)) return layout;
  throw new KerfError(
    `Cannot emit "${kernelName(request)}": it reads the positions of rows in one segment of values`,
    { hint: "a layout such as k_f16t16_v_f16t1_evicted" },
  );
}
