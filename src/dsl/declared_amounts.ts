/** Every amount of a variant's steps is a number or names what the variant declares: a parameter, or a table. */

import { enoughKind } from "./enough.ts";
import type { Pruning } from "./pruning.ts";
import { rowBitsOf } from "./steps.ts";
import { momentsOf } from "./tokens.ts";

/** @throws {TypeError} an amount names what the variant has not declared */
export function checkAmounts(
  { name, steps, ...declared }: Pick<Pruning, "name" | "params" | "tables" | "steps">,
): void {
  const params = Object.keys(declared.params);
  const tables = Object.keys(declared.tables);
  steps.forEach((step, i) => {
    const known = (amount: unknown, field: string, names = params) => {
      if (typeof amount === "string" && !names.includes(amount)) {
        throw new TypeError(
          `Cannot declare "${name}": steps[${i}].${field} names "${amount}", ` +
            `which is none of ${names.join(", ") || "its parameters (it has none)"}`,
        );
      }
    };
    if (step.kind === "basis") return known(step.if, "if");
    if (step.kind === "codes") {
      if (typeof step.bits === "object") {
        if (step.bits.kind === "byRow") {
          known(step.bits.high, "bits.high");
          known(step.bits.low, "bits.low");
          known(step.bits.share, "bits.share");
          known(step.bits.protect?.first, "bits.protect.first");
        } else {
          known(step.bits.average, "bits.average");
          const { rows } = step.bits;
          if (typeof rows === "object") known(rows.scoreIf, "bits.rows.scoreIf");
          if (rows !== "alike" && rowBitsOf({ steps }) === null) {
            throw new TypeError(
              `Cannot declare "${name}": steps[${i}].bits counts rows by a score, which no byRow() gives`,
            );
          }
        }
        known(step.bits.queries?.rows, "bits.window");
      } else known(step.bits, "bits");
      if (typeof step.along === "object") known(step.along.channelsIf, "along.channelsIf");
      known(step.group, "group");
      known(step.residual, "residual");
      known(step.unit, "unit");
      known(step.every, "every");
      known(step.keep, "keep");
      known(step.if, "if");
      return;
    }
    known(step.queries?.rows, "window");
    known(step.remove, "remove");
    known(step.keep, "keep", [...params, ...tables]);
    known(step.protect?.last, "protect.last");
    known(step.multiple, "multiple");
    if (step.enough) {
      const { kind, amount } = enoughKind(step.enough);
      known(amount, `enough.${kind}`);
      known(step.enough.least, "enough.least");
    }
    known(step.every, "every");
    if (step.kind === "channels") known(step.refresh, "refresh");
    if (step.kind === "tokens") {
      known(step.protect?.first, "protect.first");
      known(step.pool?.width, "pool.width");
      known(step.block?.rows, "block.rows");
      const kind = step.pool?.kind;
      if (typeof kind === "object") known(kind.meanIf, "pool.kind.meanIf");
      known(step.share?.floor, "share.floor");
      known(momentsOf(step)?.skip, "statistics.skip");
      known(momentsOf(step)?.ahead, "statistics.ahead");
      if (typeof step.positions === "object") known(step.positions.cacheIf, "positions.cacheIf");
    }
  });
}
