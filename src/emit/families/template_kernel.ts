/**
 * Kernels whose whole body is a template of their name: the definition is the signature, the template the
 * rest.
 */

import type { TemplateKernel } from "../../dsl/kernel.ts";
import type { Family } from "../types.ts";

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
      context: {},
      grid,
    };
  },
});
