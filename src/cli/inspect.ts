/** `deno task inspect SUBJECT`: what there is to see, one file per subject in inspect/. */

import { KerfError } from "../core/error.ts";
import { nearest } from "../core/nearest.ts";
import { refuseWords } from "./args.ts";
import type { ParsedArgs } from "./args.ts";
import { runCommandLine } from "./main.ts";

/** A subject's file: prints and returns the exit code. `positionals` no longer holds the subject. */
export interface InspectModule {
  inspect(args: ParsedArgs): Promise<number>;
}

const SUBJECTS: Readonly<Record<string, () => Promise<InspectModule>>> = {
  model: () => import("./inspect/model.ts"),
  plan: () => import("./inspect/plan.ts"),
  kernel: () => import("./inspect/kernel.ts"),
  layout: () => import("./inspect/layout.ts"),
  mask: () => import("./inspect/mask.ts"),
  estimate: () => import("./inspect/estimate.ts"),
  devices: () => import("./inspect/devices.ts"),
};

/** Subjects with a NAME or a prompt behind them. */
const TAKE_WORDS = new Set(["kernel", "mask"]);

export async function main(args: ParsedArgs): Promise<number> {
  const [subject, ...positionals] = args.positionals;
  const names = Object.keys(SUBJECTS);
  const load = subject !== undefined && Object.hasOwn(SUBJECTS, subject) && SUBJECTS[subject];
  if (load) {
    if (!TAKE_WORDS.has(subject)) refuseWords(`inspect ${subject}`, positionals);
    return await (await load()).inspect({ ...args, positionals });
  }
  const near = subject === undefined ? undefined : nearest(subject, names);
  throw new KerfError(
    subject === undefined ? "There is nothing to inspect" : `Cannot inspect "${subject}"`,
    {
      hint: near
        ? `did you mean deno task inspect ${near}?`
        : `deno task inspect ${names.join("|")}`,
      exitCode: 2,
    },
  );
}

if (import.meta.main) Deno.exit(await runCommandLine(Deno.args, { main }));
