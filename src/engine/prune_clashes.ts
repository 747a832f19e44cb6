/**
 * Refuses a spec whose variants cannot stand together, each time with one that can: what clashes is
 * src/dsl/clash_rules.ts's.
 */

import { KerfError } from "../core/error.ts";
import { clashesOf, mended } from "../dsl/clashes.ts";
import type { Member } from "../dsl/members.ts";
import { formatSpec } from "./spec.ts";
import type { SpecStep } from "./spec.ts";

/** A variant of a spec as it was loaded, and as it was typed. */
export interface LoadedMember extends Member {
  /** Its numbers, those of what it wraps among them. */
  readonly spec: SpecStep;
  /** A wrapper with what it wraps. */
  readonly typed: SpecStep;
}

/** @throws {KerfError} exit code 2: the first clash, and a spec that has none */
export function refuseClashes(members: readonly LoadedMember[]): void {
  const [clash] = clashesOf(members);
  if (!clash) return;
  if (clash.within && "without" in clash.remedy) {
    const hint = `leave one of the two in kernels/prune/${clash.within.name}.ts`;
    throw new KerfError(clash.message, { hint, exitCode: 2 });
  }
  const spec = `--prune ${formatSpec(mended(members, withZero).map(({ typed }) => typed))}`;
  const isEither = clash.deed === "choose" && "without" in clash.remedy;
  const hint = isEither ? `use one of them: ${spec}` : spec;
  throw new KerfError(clash.message, { hint, exitCode: 2 });
}

/** A member with parameters at 0, which are not written where that is the default. */
function withZero(member: LoadedMember, names: readonly string[]): LoadedMember {
  const zeros = Object.fromEntries(names.map((name) => [name, 0]));
  const isWritten = ([name, value]: [string, unknown]) =>
    !names.includes(name) || member.definition.params[name]?.default !== value;
  const values = Object.entries({ ...member.typed.values, ...zeros }).filter(isWritten);
  return {
    ...member,
    params: { ...member.params, ...zeros },
    typed: { ...member.typed, values: Object.fromEntries(values) },
  };
}
