import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { Arena } from "./arena.ts";

Deno.test("Arena gives the lowest place and joins freed neighbours", () => {
  const arena = new Arena(100);
  const [a, b, c] = [arena.allocate(40), arena.allocate(30), arena.allocate(30)];
  assertEquals([a, b, c], [0, 40, 70]);
  assertThrows(() => arena.allocate(1), RangeError, "100 of 100 are used");
  arena.free({ start: 40, units: 30 });
  arena.free({ start: 0, units: 40 });
  assertEquals(arena.allocate(70), 0);
  assertEquals(arena.allocatedBytes, 6400);
  assertThrows(() => new Arena(10).free({ start: 0, units: 1 }), RangeError, "not all in use");
});

Deno.test("Arena never overlaps, counts what is live, and reports each emptied page once", () => {
  const command = fc.record({ units: fc.integer({ min: 1, max: 300 }), drop: fc.nat(1000) });
  fc.assert(
    fc.property(fc.array(command, { maxLength: 120 }), (commands) => {
      const total = 4096;
      const arena = new Arena(total);
      const owner = new Int32Array(total).fill(-1);
      const live: { start: number; units: number }[] = [];
      const resident = new Uint8Array(total / 64).fill(0);
      let used = 0;
      const take = (i: number, units: number, least: number) => {
        const start = arena.allocate(units, least);
        for (let u = start; u < start + units; u++) {
          assertEquals(owner[u], -1);
          owner[u] = i;
          resident[u >> 6] = 1;
        }
        live.push({ start, units });
        used += units;
      };
      for (const [i, { units, drop }] of commands.entries()) {
        if (live.length && drop % 2) {
          const [range] = live.splice(drop % live.length, 1);
          owner.fill(-1, range!.start, range!.start + range!.units);
          used -= range!.units;
          arena.free(range!);
          // Part of it may be another's at once.
          const again = drop % 3 === 0 ? Math.max(1, range!.units >> 1) : 0;
          if (again > 0) take(i, again, range!.start);
          for (const { offset, bytes } of arena.emptied(range!)) {
            resident.fill(0, offset / 4096, (offset + bytes) / 4096);
          }
        } else if (freeRun(owner, units)) {
          take(i, units, units % 2 === 0 ? 0 : total / 2);
        } else {
          assertThrows(() => arena.allocate(units), RangeError);
        }
        assertEquals(arena.allocatedBytes, used * 64);
        // A memory page is resident exactly when some live unit lies in it.
        for (let page = 0; page < resident.length; page++) {
          const held = owner.subarray(page * 64, page * 64 + 64).some((o) => o >= 0);
          assertEquals(resident[page] === 1, held);
        }
      }
      for (const range of live) arena.free(range);
      assertEquals(arena.allocate(total), 0);
    }),
    { seed: 3, numRuns: 60 },
  );
});

/** Whether some run of `units` units has no owner. */
function freeRun(owner: Int32Array, units: number): boolean {
  let run = 0;
  for (const o of owner) {
    run = o < 0 ? run + 1 : 0;
    if (run >= units) return true;
  }
  return false;
}
