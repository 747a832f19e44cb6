import { assertEquals } from "@std/assert";
import { chooseDevice } from "./choose.ts";
import type { DeviceFinding } from "./survey.ts";

type Kind = DeviceFinding["kind"];

/** Surveys of a machine whose devices are in these states, and which of them were looked at. */
function machine(states: Partial<Record<Kind, DeviceFinding["state"]>>) {
  const looked: Kind[] = [];
  const surveys = Object.fromEntries(
    Object.entries(states).map(([key, state]) => {
      const kind = key as Kind;
      const survey = () => {
        looked.push(kind);
        const because = `${kind} is ${state}`;
        return Promise.resolve({ kind, name: kind, state, because, fix: [], facts: [] });
      };
      return [kind, survey];
    }),
  );
  return { surveys, looked };
}

Deno.test("the first kind that is ready is taken, and nothing after it is looked at", async () => {
  const { surveys, looked } = machine({ cuda: "ready", webgpu: "ready", cpu: "ready" });
  assertEquals(await chooseDevice(surveys), { kind: "cuda", passedOver: [] });
  assertEquals(looked, ["cuda"]);
});

Deno.test("what is missing or slow is passed over with its reason", async () => {
  const hardware = machine({ cuda: "missing", webgpu: "ready" });
  assertEquals(await chooseDevice(hardware.surveys), {
    kind: "webgpu",
    passedOver: ["cuda is missing"],
  });
  const software = machine({ cuda: "missing", webgpu: "slow", cpu: "missing" });
  assertEquals(await chooseDevice(software.surveys), {
    kind: "cpu",
    passedOver: ["cuda is missing", "webgpu is slow"],
  });
  // Opening it says better what it lacks.
  assertEquals(software.looked, ["cuda", "webgpu"]);
});
