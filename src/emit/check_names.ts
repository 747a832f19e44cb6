/**
 * What an author may call things: a name that stands in generated code as it is must not be a word of the
 * target's language, and one kernel cannot have two things of one name.
 */

import { KerfError } from "../core/error.ts";
import type { EmitTarget } from "./target.ts";
import type { KernelSource, KernelUnit } from "./types.ts";

/**
 * Checks a unit's names.
 *
 * @throws {KerfError} the kernel or an input has a word of the language for a name, or a parameter or table
 *   has the name of something that the kernel has of its own
 */
export function checkNames(source: KernelSource, unit: KernelUnit, target: EmitTarget): void {
  const { signature, inputs = [] } = unit;
  const refuse = (name: string, why: string): never => {
    throw new KerfError(`Cannot emit kernel "${signature.name}": ${why}`, {
      where: source.file,
      hint: `rename "${name}"`,
    });
  };
  if (target.keywords.has(signature.name)) {
    refuse(signature.name, `its name is a word of target ${target.name}'s language`);
  }
  for (const name of inputs) {
    if (target.keywords.has(name)) {
      refuse(name, `its input "${name}" is a word of target ${target.name}'s language`);
    }
  }
  const names = new Set<string>();
  for (const { name } of [...signature.bindings, ...signature.constants]) {
    if (names.has(name)) refuse(name, `two of its buffers and constants are called "${name}"`);
    names.add(name);
  }
}
