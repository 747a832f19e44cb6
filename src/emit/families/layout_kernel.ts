/** Template kernels that walk a cache's rows: one per layout whose rows carry positions. */

import { KerfError } from "../../core/error.ts";
import type { Constant } from "../../core/signature.ts";
import type { LayoutKernel } from "../../dsl/layout_kernel.ts";
import { layoutName, parseLayoutName } from "../../layout/name.ts";
import { hasRowClasses } from "../../layout/row_classes.ts";
import type { Layout } from "../../layout/types.ts";
import { cacheContext } from "../cache_context.ts";
import type { EmitRequest, Family } from "../types.ts";
import { kernelName } from "../types.ts";

/** The family of kernels that walk rows. */
export const layoutKernels: Family = Object.freeze<Family>({
  kind: "layout_kernel",
  heads: (source) => [source.definition.name],
  variants: ({ definition }, { layouts }) =>
    layouts.filter((layout) => isWalked(layout, (definition as LayoutKernel).classes))
      .map((layout) => [layoutName(layout)]),
  emit(source, request) {
    const { name, bindings, constants, defines, grid, classes } = source
      .definition as LayoutKernel;
    const layout = requestedLayout(request, { classes });
    const context = cacheContext(kernelName(request), layout);
    return {
      signature: {
        name: kernelName(request),
        bindings: bindings.filter(({ name }) =>
          name === "channels"
            ? context.lists_channels
            : name !== "rope" || layout.positions === "cache"
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

/** Where the pages of each segment begin. */
export function pageConstants({ key, value }: Layout): Constant[] {
  return [
    ...key.segments.map((_, i): Constant => ({
      name: `key_page_${i}`,
      dtype: "u32",
      doc: "the segment's first page entry",
    })),
    ...value.segments.map((_, i): Constant => ({ name: `value_page_${i}`, dtype: "u32" })),
  ];
}

/** Whether kernels walk a layout's rows: they carry positions, or lie in classes. */
export const isWalked = (layout: Layout, classes: boolean): boolean =>
  layout.rowPositions ? layout.value.segments.length === 1 : classes && hasRowClasses(layout);

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
