/**
 * Kernels whose whole body is a template of their name: the definition is the signature, the template the
 * rest. `NAME_q8` is the same template storing one binding as 8-bit codes, where the definition names it.
 */

import type { Binding } from "../../core/signature.ts";
import type { TemplateKernel } from "../../dsl/kernel.ts";
import { ARENA_UNIT, PAGE_ROWS } from "../../layout/types.ts";
import type { Family } from "../types.ts";

/** What such a template may read beside the signature. */
export interface TemplateKernelContext {
  /** Rows of a page. */
  readonly page_rows: string;
  /** Bytes that an entry of the block table counts. */
  readonly arena_unit: string;
  /** Whether what the definition names is stored as 8-bit codes. */
  readonly stores_codes: boolean;
}

/** Ends the name of a kernel that stores codes. */
const Q8 = "_q8";

const CONTEXT: Omit<TemplateKernelContext, "stores_codes"> = Object.freeze({
  page_rows: String(PAGE_ROWS),
  arena_unit: String(ARENA_UNIT),
});

/** The family of template kernels. */
export const templateKernel: Family = Object.freeze<Family>({
  kind: "kernel",
  heads: ({ definition }) => {
    const { name, codes } = definition as TemplateKernel;
    return codes === undefined ? [name] : [name, `${name}${Q8}`];
  },
  variants: () => [[]],
  emit(source, { head }) {
    const definition = source.definition as TemplateKernel;
    const { name, constants, defines, grid, codes } = definition;
    const stores_codes = head !== name;
    const bindings = definition.bindings.map((own) =>
      stores_codes && own.name === codes ? asCodes(own) : own
    );
    return {
      signature: { name: head, bindings, constants, defines },
      doc: stores_codes ? [...source.doc, `${codes} is stored as 8-bit codes.`] : source.doc,
      from: [source.file],
      template: name,
      context: { ...CONTEXT, stores_codes },
      grid,
    };
  },
});

/** A binding of f32 rows as rows of codes. */
const asCodes = ({ shape: [rows, width], ...own }: Binding): Binding => ({
  ...own,
  dtype: "u8",
  shape: [rows!, `q8RowBytes(${width})`],
});
