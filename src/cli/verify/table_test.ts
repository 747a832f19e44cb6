import { assertStringIncludes } from "@std/assert";
import { outcomeText } from "./table.ts";
import type { Check } from "../../verify/mod.ts";

const at = { head: 0, channel: 5 };

/** One kernel with one failing element. */
const failing = (got: number, want: number): Check => ({
  ...{ kind: "pruning", variant: "v", kernel: "channel scores", target: "c", label: "c" },
  ...{ cases: 1, nearTies: 0, maxAbs: Infinity, maxRel: Infinity, maxShare: Infinity },
  worst: { at, got, want, bound: 0.25, case: "one row" },
  failures: [{ at, got, want, bound: 0.25, case: "one row" }],
  ...{ errorMap: null, rows: null },
});

const textOf = (check: Check) =>
  outcomeText({
    ...{ checks: [check], targets: [], missing: [], absent: [], passed: false, seconds: 1 },
  });

Deno.test("a failure says what is wanted, or that the function itself gives no number", () => {
  assertStringIncludes(textOf(failing(1, 3)), "head 0, channel 5: 1, not 3 ± 2.5e-1 (one row)");
  assertStringIncludes(
    textOf(failing(NaN, NaN)),
    "head 0, channel 5: the author's function gives NaN, which is no number (one row)",
  );
});
