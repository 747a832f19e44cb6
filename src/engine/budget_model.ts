/** Whether budget files were measured on the model that they are used with: its file's SHA-256 says so. */

import { basename } from "@std/path";
import { KerfError } from "../core/error.ts";
import { sha256OfFile } from "../model/file_hash.ts";
import { calibrateHint } from "./budget_file.ts";
import type { NamedBudgets } from "./budget_file.ts";

/** Digits of a hash that tell models apart. */
const SHORT = 12;

/**
 * Checks budget files against a model; without any, its hash is not taken.
 *
 * @param model the path of its file
 * @throws {KerfError} exit code 2: one was measured on another model
 */
export async function checkBudgetModel(
  budgets: readonly NamedBudgets[],
  model: string,
): Promise<void> {
  if (budgets.length === 0) return;
  const sha256 = await sha256OfFile(model);
  for (const { path, spec, ...measured } of budgets) {
    if (measured.modelSha256 === sha256) continue;
    throw new KerfError(
      `Cannot use "${path}" with ${basename(model)} (${
        sha256.slice(0, SHORT)
      }): it was measured on ` +
        `${measured.model} (${measured.modelSha256.slice(0, SHORT)})`,
      { hint: `${calibrateHint(spec, path)} -m ${model}`, exitCode: 2 },
    );
  }
}
