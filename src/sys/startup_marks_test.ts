import { assert, assertEquals } from "@std/assert";
import { markStage, startupLine, startupTraces } from "./startup_marks.ts";

Deno.test("marks come back from the line in which a process prints them", () => {
  performance.mark("another's");
  markStage("one");
  markStage("two");
  const [trace, none] = startupTraces(`a line\n${startupLine()}\nkerf-startupx {}\n`);
  assertEquals([trace!.marks.map(({ stage }) => stage), none], [["one", "two"], undefined]);
  const [one, two] = trace!.marks;
  assert(trace!.originMs <= one!.atMs && one!.atMs <= two!.atMs && one!.cpuMs <= two!.cpuMs);
});
