/**
 * A hook's parameters: the schema's arguments as IR parameters, records flattened to one parameter per
 * declared field in order, and the author's names bound to them. Fields keep their names, since kernels
 * bind by them; a clash is resolved by the argument's position.
 */

import { Node, type ParameterDeclaration } from "ts-morph";
import type { HookArg } from "../dsl/types.ts";
import type { Param } from "../ir/types.ts";
import { bind } from "./bind.ts";
import type { Lowering } from "./lowering.ts";
import type { FunctionNode } from "./resolve.ts";
import { type Lowered, NOTHING, type Scope } from "./value.ts";

/** One flattened parameter: which argument it belongs to and, in a record, which field. */
interface Slot {
  readonly arg: number;
  readonly field: string | null;
  readonly type: Exclude<HookArg, { kind: "record" }>;
}

function slotsOf(args: readonly HookArg[]): Slot[] {
  return args.flatMap((type, arg): Slot[] =>
    type.kind !== "record"
      ? [{ arg, field: null, type }]
      : Object.entries(type.fields).flatMap(([field, inner]): Slot[] =>
        inner.kind === "record" ? [] : [{ arg, field, type: inner }]
      )
  );
}

/** `_q` → `q`; destructured and missing parameters have no name of their own. */
function ownName(parameter: ParameterDeclaration | undefined): string | undefined {
  const node = parameter?.getNameNode();
  const name = Node.isIdentifier(node) ? node.getText().replace(/^_+/, "") : "";
  return name === "" ? undefined : name;
}

function namesOf(slots: readonly Slot[], parameters: readonly ParameterDeclaration[]): string[] {
  const taken = new Set<string>();
  const names = new Array<string>(slots.length);
  const take = (i: number, wanted: string, otherwise: string) => {
    const name = taken.has(wanted) ? otherwise : wanted;
    taken.add(name);
    names[i] = name;
  };
  slots.forEach(({ arg, field }, i) => {
    if (field !== null) take(i, field, `arg${arg}_${field}`);
  });
  slots.forEach(({ arg, field }, i) => {
    if (field === null) take(i, ownName(parameters[arg]) ?? `arg${arg}`, `arg${arg}`);
  });
  return names;
}

const paramOf = (name: string, type: Slot["type"]): Param => ({ ...type, name });

/** Declares the parameters in the builder and binds the author's names to them. */
export function bindParameters(l: Lowering, fn: FunctionNode, args: readonly HookArg[]): Scope {
  const parameters = fn.getParameters();
  const slots = slotsOf(args);
  const names = namesOf(slots, parameters);
  const values: Lowered[] = args.map((type) =>
    type.kind === "record" ? { kind: "record", fields: new Map() } : { kind: "nothing" }
  );
  slots.forEach((slot, i) => {
    const param = l.builder.param(paramOf(names[i]!, slot.type));
    const value = valueOf(param, names[i]!, slot.type);
    const record = values[slot.arg]!;
    if (record.kind === "record") (record.fields as Map<string, Lowered>).set(slot.field!, value);
    else values[slot.arg] = value;
  });
  const scope = new Map<string, Lowered>();
  parameters.forEach((parameter, i) => {
    const isPlain = !parameter.isOptional() && !parameter.isRestParameter() &&
      parameter.getInitializer() === undefined;
    const value = values[i];
    // Uses of a parameter that is reported here are not judged.
    bind(l, scope, parameter.getNameNode(), isPlain && value !== undefined ? value : NOTHING);
    if (!isPlain) l.report("KERF0103", parameter);
    else if (value === undefined) {
      l.report("KERF0205", parameter, {
        message: `The hook gets ${args.length} arguments, not ${parameters.length}`,
      });
    }
  });
  return scope;
}

function valueOf(param: number, name: string, type: Slot["type"]): Lowered {
  switch (type.kind) {
    case "scalar":
      return { kind: "argument", param, type: type.type };
    case "column":
    case "bytes":
      return { kind: type.kind, param, name };
    case "table":
      return { kind: "table", param, name, type: type.type, rank: type.rank, indices: [] };
  }
}
