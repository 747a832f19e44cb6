/**
 * Units to text: the kernel's outside in the target's words, the template around the hook code, the
 * layout of the file. One unit is one file.
 */

import { KerfError } from "../core/error.ts";
import { argumentOffsets } from "../core/signature.ts";
import type { Signature } from "../core/signature.ts";
import type { TemplateEnvironment } from "./environment.ts";
import { format } from "./format.ts";
import { fieldName, settleNames } from "./names.ts";
import type { EmitTarget } from "./target.ts";
import type { KernelUnit } from "./types.ts";

/** What every kernel's template reads beside its own context. */
export interface KernelContext {
  readonly name: string;
  readonly doc: readonly string[];
  readonly from: readonly string[];
  readonly defines: readonly string[];
  readonly bindings: readonly {
    readonly name: string;
    readonly type: string;
    readonly dtype: string;
    readonly access: "read" | "write" | "readwrite";
    readonly shape: string;
  }[];
  readonly constants: readonly {
    readonly name: string;
    readonly type: string;
    /** A comment, or nothing. */
    readonly doc: string;
  }[];
  /** Byte offset of every argument, as decimal text. */
  readonly offsets: readonly { readonly name: string; readonly bytes: string }[];
}

/** A generated file. */
export interface RenderedFile {
  /** Project-relative. */
  readonly path: string;
  readonly text: string;
}

/** The path of a kernel's file: `generated/c/rms_norm.c`. */
export const generatedPath = (name: string, target: EmitTarget): string =>
  `generated/${target.name}/${name}.${target.extension}`;

/** The path of a unit's template. */
export const templatePath = (unit: KernelUnit, target: EmitTarget): string =>
  `${target.name}/${unit.template}.${target.extension}.njk`;

/**
 * Renders one unit.
 *
 * @throws {KerfError} the target has no such template
 * @throws {Error} the template reads a name that the unit's context lacks
 */
export function renderUnit(
  unit: KernelUnit,
  target: EmitTarget,
  templates: TemplateEnvironment,
): RenderedFile {
  const path = generatedPath(unit.signature.name, target);
  const template = templatePath(unit, target);
  if (!templates.has(template)) throw missingTemplate(unit, target);
  const context = freezeAll(fileContext(unit, target));
  const text = settleNames(templates.render(template, context), target.keywords);
  return { path, text: format(text, { file: path, lineMark: target.lineMark }) };
}

/** A target has a template for every kernel of the catalog: one that lacks some is not finished. */
function missingTemplate(unit: KernelUnit, target: EmitTarget): KerfError {
  const { name } = unit.signature;
  const file = `templates/${templatePath(unit, target)}`;
  return new KerfError(`Cannot emit "${name}" for target ${target.name}: ${file} is missing`, {
    hint: [
      `write ${file} (ARCHITECTURE.md, "Adding a target")`,
      `deno task gen KERNEL --target ${target.name} emits a kernel whose template is there`,
    ],
  });
}

/** Everything a unit's template may read. */
export function fileContext(unit: KernelUnit, target: EmitTarget): object {
  const geometry = target.geometry[unit.template];
  const cut = geometry && { workgroup: String(geometry.workgroup), ...geometry.context };
  return { ...kernelContext(unit, target), ...unit.context, ...cut };
}

/** The part of a template's context that follows from the signature. */
export function kernelContext(unit: KernelUnit, target: EmitTarget): KernelContext {
  const { signature } = unit;
  const field = (name: string) => fieldName(name, target.keywords);
  return {
    name: signature.name,
    doc: unit.doc,
    from: unit.from,
    defines: signature.defines,
    bindings: signature.bindings.map((binding) => ({
      name: field(binding.name),
      type: target.bindingType(binding),
      dtype: binding.dtype,
      access: binding.access,
      shape: `[${binding.shape.join(", ")}]`,
    })),
    constants: signature.constants.map(({ name, dtype, doc }) => ({
      name: field(name),
      type: target.constantType(dtype),
      doc: doc === undefined ? "" : ` /* ${doc} */`,
    })),
    offsets: offsets(signature).map(({ name, bytes }) => ({ name: field(name), bytes })),
  };
}

function offsets(signature: Signature) {
  const { bindings, constants } = argumentOffsets(signature);
  const entry = (at: readonly number[]) => ({ name }: { readonly name: string }, i: number) => ({
    name,
    bytes: String(at[i]!),
  });
  return [
    ...signature.bindings.map(entry(bindings)),
    ...signature.constants.map(entry(constants)),
  ];
}

function freezeAll<T>(value: T): T {
  if (typeof value !== "object" || value === null) return value;
  Object.values(value).forEach(freezeAll);
  return Object.freeze(value);
}
