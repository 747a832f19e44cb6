/**
 * Kernels whose whole body is a template of their name: the definition is the signature, the template the
 * rest.
 */

import type { TemplateKernel } from "../../dsl/kernel.ts";
import { ARENA_UNIT, PAGE_ROWS } from "../../layout/types.ts";
import type { Family } from "../types.ts";

/** What such a template may read beside the signature. */
export interface TemplateKernelContext {
  /** Rows of a page. */
  readonly page_rows: string;
  /** Bytes that an entry of the block table counts. */
  readonly arena_unit: string;
}

const CONTEXT: TemplateKernelContext = Object.freeze({
  page_rows: String(PAGE_ROWS),
  arena_unit: String(ARENA_UNIT),
});

/** The family of template kernels. */
export const templateKernel: Family = Object.freeze<Family>({
  kind: "kernel",
  heads: (source) => [source.definition.name],
  variants: () => [[]],
  emit(source) {
    const { name, bindings, constants, defines, grid } = source.definition as TemplateKernel;
    return {
      signature: { name, bindings, constants, defines },
      doc: source.doc,
      from: [source.file],
      template: name,
      context: { ...CONTEXT },
      grid,
    };
  },
});
