/** What a node reads: other nodes and a parameter. Passes and emitters walk the graph through these. */

import type { Node } from "./types.ts";

/** Ids of the nodes a node reads. */
export function operandsOf(node: Node): readonly number[] {
  switch (node.kind) {
    case "op":
    case "load":
      return node.args;
    case "const":
    case "param":
    case "reduce":
      return [];
  }
}

/** Index of the parameter a node reads itself, if it does. */
export function paramOf(node: Node): number | undefined {
  switch (node.kind) {
    case "param":
    case "load":
    case "reduce":
      return node.param;
    case "const":
    case "op":
      return undefined;
  }
}
