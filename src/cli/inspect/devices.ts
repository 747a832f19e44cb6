/** `inspect devices`: what this machine can run on, with the limits that matter and what mends the rest. */

import { formatBytes } from "../../core/bytes.ts";
import { chooseDevice } from "../../device/choose.ts";
import { surveyDevices } from "../../device/survey.ts";
import type { DeviceFact, DeviceFinding } from "../../device/survey.ts";
import type { ParsedArgs } from "../args.ts";
import { wrap, writeOut } from "../terminal.ts";

export async function inspect({ values }: ParsedArgs): Promise<number> {
  const findings = await surveyDevices();
  const surveys = Object.fromEntries(
    findings.map((finding) => [finding.kind, () => Promise.resolve(finding)]),
  );
  const { kind: auto } = await chooseDevice(surveys);
  if (values.json) writeOut(JSON.stringify({ devices: findings.map(jsonOf), auto }) + "\n");
  else writeOut(findings.map(textOf).join("\n") + `\n--device auto takes ${auto}\n`);
  return 0;
}

const jsonOf = ({ facts, ...finding }: DeviceFinding) => ({
  ...finding,
  ...Object.fromEntries(facts.map(({ name, value }) => [name, value])),
});

/** Facts of a device stand below its name, in a column of their own. */
const LABEL_WIDTH = 20;

/** What fits any terminal. */
const WIDTH = 80;

function textOf({ kind, name, state, because, fix, facts }: DeviceFinding): string {
  const title = state === "missing" ? `${kind} cannot be used: ${because}` : name;
  const line = (label: string, value: string) => `  ${label.padEnd(LABEL_WIDTH)}${value}`;
  const lines = [
    wrap(title, WIDTH, "  "),
    ...facts.map((fact) => line(fact.label, shown(fact))),
    ...(state === "slow" ? [line("auto", `passes it over: ${because}`)] : []),
    // What is to be typed stays on one line.
    ...fix.map((hint) => `  hint: ${hint}`),
  ];
  return lines.join("\n") + "\n";
}

function shown({ name, value }: DeviceFact): string {
  if (typeof value === "boolean") return value ? "yes" : "no";
  return typeof value === "number" && name.endsWith("Bytes") ? formatBytes(value) : String(value);
}
