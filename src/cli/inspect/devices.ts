/** `inspect devices`: what this machine can run on, with the limits that matter and what mends the rest. */

import { formatBytes } from "../../core/bytes.ts";
import { chooseDevice } from "../../device/choose.ts";
import { surveyDevices } from "../../device/survey.ts";
import type { DeviceFact, DeviceFinding } from "../../device/survey.ts";
import type { ParsedArgs } from "../args.ts";
import { writeOut } from "../terminal.ts";

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

function textOf({ kind, name, state, because, fix, facts }: DeviceFinding): string {
  const title = state === "missing" ? `${kind} cannot be used: ${because}` : name;
  const lines = [
    ...facts.map((fact) => fact.label.padEnd(LABEL_WIDTH) + shown(fact)),
    ...(state === "slow" ? [`${"auto".padEnd(LABEL_WIDTH)}passes it over: ${because}`] : []),
    ...fix.map((hint) => `hint: ${hint}`),
  ];
  return [title, ...lines.map((line) => `  ${line}`), ""].join("\n");
}

function shown({ name, value }: DeviceFact): string {
  if (typeof value === "boolean") return value ? "yes" : "no";
  return typeof value === "number" && name.endsWith("Bytes") ? formatBytes(value) : String(value);
}
