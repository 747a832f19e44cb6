/**
 * `deno task gen`: emits generated/ from kernels/ and templates/, or with --check says what is stale. The
 * one command that loads the generator half.
 */

import { counted } from "../core/counted.ts";
import type { Target } from "../core/manifest.ts";
import { generate } from "../emit/generate.ts";
import type { GenerateResult } from "../emit/generate.ts";
import { renderDiagnostics } from "../frontend/mod.ts";
import type { ParsedArgs } from "./args.ts";
import { runCommandLine } from "./main.ts";
import { ROOT } from "./root.ts";
import { colourful, writeError, writeOut } from "./terminal.ts";

/** One generation and its report; returns the exit code. With --watch the launcher starts it again. */
export async function main({ values, positionals }: ParsedArgs): Promise<number> {
  const started = performance.now();
  const check = values.check === true;
  const result = await generate({
    root: ROOT,
    check,
    names: positionals,
    ...(values.target ? { targets: values.target as readonly Target[] } : {}),
  });
  const seconds = ((performance.now() - started) / 1000).toFixed(2);
  if (values.json) {
    const { diagnostics, written, removed, nKernels } = result;
    writeOut(JSON.stringify({ nKernels, written, removed, diagnostics }, null, 2) + "\n");
  }
  if (result.diagnostics.length > 0) {
    if (!values.json) {
      writeError(renderDiagnostics(result.diagnostics, { color: colourful() }));
    }
    return 1;
  }
  const changed = result.written.length + result.removed.length;
  if (check && changed > 0) {
    if (!values.json) {
      writeOut(result.diff);
      writeError(`generated/ is stale in ${counted(changed, "file")}\nhint: deno task gen\n`);
    }
    return 1;
  }
  if (!values.json) writeError(summary(result, { check, seconds }));
  return 0;
}

function summary(result: GenerateResult, { check, seconds }: { check: boolean; seconds: string }) {
  const { nKernels, written, removed } = result;
  const lines = [
    ...written.map((path) => `  ${path}`),
    ...removed.map((path) => `  ${path} removed`),
  ];
  const state = check
    ? "generated/ is up to date"
    : lines.length === 0
    ? "nothing changed"
    : `${written.length} written, ${removed.length} removed`;
  return [`${counted(nKernels, "kernel")}, ${state} (${seconds} s)`, ...lines].join(
    "\n",
  ) + "\n";
}

if (import.meta.main) Deno.exit(await runCommandLine(Deno.args, { main }));
