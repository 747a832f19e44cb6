/**
 * Budget files: a count for every layer and KV head, which a spec names in place of a budget's number
 * (`think:ratio=think.json`). Together the counts keep what the number would. `deno task eval calibrate`
 * writes them; reading one checks all that could be wrong with it except the model's hash, which takes the
 * model (budget_model.ts).
 */

import { resolve } from "@std/path";
import { KerfError } from "../core/error.ts";
import type { BudgetCounts, ParamBudget } from "../dsl/budgets.ts";
import type { ModelDims } from "../dsl/table.ts";

/** The first field of every budget file. */
export const BUDGET_FORMAT = "kerf budgets 1";

/** What a budget file says that is read; what it says beside that is where it comes from. */
export interface BudgetFile {
  readonly format: typeof BUDGET_FORMAT;
  /** File name of the model that it was measured on, and SHA-256 of the file. */
  readonly model: string;
  readonly modelSha256: string;
  /** The spec that it stands for, with a number for its budget. */
  readonly spec: string;
  /** That number. */
  readonly value: number;
  readonly counts: BudgetCounts;
  /** What every head keeps at that number. */
  readonly uniform: number;
  /** [nLayers][nKvHeads], `uniform` in the mean. */
  readonly kept: readonly (readonly number[])[];
}

/** A budget file that a spec names. */
export interface NamedBudgets extends BudgetFile {
  /** As it was named. */
  readonly path: string;
}

/** Whether a value of a spec names a budget file. */
export const isBudgetPath = (value: unknown): value is string =>
  typeof value === "string" && value.endsWith(".json");

/** The command that makes such a file. */
export const calibrateHint = (spec: string, path: string): string =>
  `deno task eval calibrate --prune ${spec} -o ${path}`;

/** The counts as plans hold them: u32 [nLayers, nKvHeads]. */
export const keptCounts = ({ kept }: Pick<BudgetFile, "kept">): Uint32Array =>
  Uint32Array.from(kept.flat());

/**
 * Reads the budget file that a spec names.
 *
 * @param spec the variant with a number for its budget
 * @throws {KerfError} exit code 2: it cannot be read, counts something else, or fits another model
 */
export async function readBudgets(
  path: string,
  { spec, budget: { step, param, counts }, dims }: {
    readonly spec: string;
    readonly budget: ParamBudget;
    readonly dims: ModelDims;
  },
): Promise<NamedBudgets> {
  const name = spec.split(":")[0];
  const refuse = (why: string, hint = calibrateHint(spec, path)): never => {
    throw new KerfError(`Cannot use ${param}=${path} for "${name}": ${why}`, { hint, exitCode: 2 });
  };
  const file = parse(await readText(path, refuse), refuse);
  const remake = calibrateHint(file.spec, path);
  if (file.counts !== counts) {
    refuse(`it holds counts of ${file.counts}, and ${param} is a budget of ${counts}`);
  }
  const { nLayers, nKvHeads, headDim } = dims;
  const { kept, uniform } = file;
  if (kept.length !== nLayers || kept.some((heads) => heads.length !== nKvHeads)) {
    const heads = [...new Set(kept.map(({ length }) => length))].join(" or ");
    refuse(
      `it is for ${kept.length} × ${heads} layers and KV heads, and the model has ` +
        `${nLayers} × ${nKvHeads}`,
      remake,
    );
  }
  const most = counts === "rows" ? Infinity : headDim;
  const odd = kept.flat().find((n) => !(Number.isInteger(n) && n >= 1 && n <= most));
  if (odd !== undefined) {
    refuse(`a head would keep ${odd} ${counts}${most < Infinity ? ` of ${most}` : ""}`, remake);
  }
  const mixed = kept.findIndex((heads) => heads.some((n) => n !== heads[0]));
  if (step.kind === "tokens" && step.scope === "layer" && mixed >= 0) {
    const differ = kept[mixed]!.join(", ");
    refuse(`the heads of a layer keep the same rows, and those of layer ${mixed} keep ${differ}`);
  }
  const total = kept.flat().reduce((sum, n) => sum + n, 0);
  if (total !== uniform * nLayers * nKvHeads) {
    refuse(
      `its heads keep ${total} ${counts}, ${
        uniform * nLayers * nKvHeads
      } at ${param}=${file.value}`,
      remake,
    );
  }
  return { ...file, path };
}

type Refuse = (why: string, hint?: string) => never;

async function readText(path: string, refuse: Refuse): Promise<string> {
  try {
    return await Deno.readTextFile(resolve(Deno.env.get("INIT_CWD") ?? Deno.cwd(), path));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return refuse("there is no such file");
    if (error instanceof Deno.errors.IsADirectory) return refuse("it is a folder");
    throw error;
  }
}

function parse(text: string, refuse: Refuse): BudgetFile {
  let value: Partial<Record<keyof BudgetFile, unknown>> | null;
  try {
    value = JSON.parse(text);
  } catch {
    return refuse("it is no JSON");
  }
  if (value?.format !== BUDGET_FORMAT) {
    return refuse(`it is no budget file: its "format" is not "${BUDGET_FORMAT}"`);
  }
  const isList = Array.isArray(value.kept) && value.kept.every(Array.isArray);
  const wrong = [
    ...(["model", "modelSha256", "spec", "counts"] as const)
      .filter((name) => typeof value[name] !== "string"),
    ...(["value", "uniform"] as const).filter((name) => typeof value[name] !== "number"),
    ...(isList ? [] : ["kept"]),
  ];
  if (wrong.length > 0) {
    return refuse(`its ${wrong.map((name) => `"${name}"`).join(", ")} is wrong`);
  }
  return value as BudgetFile;
}
