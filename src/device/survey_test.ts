import { assert, assertEquals } from "@std/assert";
import { surveyDevices } from "./survey.ts";

Deno.test("every kind is found or says what is missing and what to type", async () => {
  const findings = await surveyDevices();
  assertEquals(findings.map(({ kind }) => kind), ["cuda", "webgpu", "cpu"]);
  for (const { kind, name, state, because, fix, facts } of findings) {
    assert(name.startsWith(kind), name);
    assertEquals(state === "ready", because === undefined, kind);
    if (state !== "ready") assert(fix.length > 0, kind);
    if (state !== "missing") assert(facts.length > 0, kind);
    assertEquals(new Set(facts.map((fact) => fact.name)).size, facts.length);
    for (const { name, value } of facts) {
      if (name.endsWith("Bytes")) assert(Number(value) > 0, `${kind}: ${name} is ${value}`);
    }
  }
  // These tests ran on it.
  assertEquals(findings.at(-1)!.state, "ready");
});
