import { assertThrows } from "@std/assert";
import { KerfError } from "../core/error.ts";
import { channels } from "./channels.ts";
import type { KeyChannelsSpec } from "./channels.ts";
import { codes } from "./codes.ts";
import { checkNumbers } from "./declared_amounts.ts";
import { attention } from "./attention.ts";
import { resolveParams } from "./params.ts";
import { pruning } from "./pruning.ts";
import type { PruningStep } from "./pruning.ts";
import { meanSquare, norm } from "./reductions.ts";
import { tokens } from "./tokens.ts";
import type { TokensSpec } from "./tokens.ts";

const channelStep = (fields: Partial<Omit<KeyChannelsSpec, "of" | "score">>) =>
  channels({
    of: "key",
    group: "mean",
    window: 32,
    score: (_q, k) => meanSquare(k),
    ...fields,
  });
const tokenStep = (fields: Partial<TokensSpec>) =>
  tokens({ score: ({ key }) => norm(key), group: "mean", ...fields });

Deno.test("an amount that is written out is a number of its kind", () => {
  const declare = (step: PruningStep) => pruning({ name: "v", steps: [step] });
  const refused = (step: PruningStep, why: string) => {
    assertThrows(() => declare(step), TypeError, `Cannot declare "v": steps[0].${why}`);
  };
  const [share, least0, least1] = [
    "a share from 0 to 1",
    "a whole number of at least 0",
    "a whole number of at least 1",
  ];
  refused(channelStep({ remove: 1.5 }), `remove is 1.5, which is not ${share}`);
  refused(channelStep({ remove: NaN }), `remove is NaN, which is not ${share}`);
  refused(channelStep({ keep: 2.5 }), `keep is 2.5, which is not ${least0}`);
  refused(channelStep({ keep: 8, window: 0 }), `window is 0, which is not ${least1}`);
  refused(channelStep({ keep: 8, multiple: 0 }), `multiple is 0, which is not ${least1}`);
  refused(
    channelStep({ keep: 8, protect: { last: -3 } }),
    `protect.last is -3, which is not ${least0}`,
  );
  refused(channelStep({ keep: 8, every: -1 }), `every is -1, which is not ${least0}`);
  refused(tokenStep({ remove: -0.5 }), `remove is -0.5, which is not ${share}`);
  refused(tokenStep({ enough: { mass: 95 } }), `enough.mass is 95, which is not ${share}`);
  refused(
    tokenStep({ keep: 64, block: { kind: "max", rows: 0.5 } }),
    `block.rows is 0.5, which is not ${least1}`,
  );
  refused(
    tokenStep({ keep: 64, share: { floor: 20 } }),
    `share.floor is 20, which is not ${share}`,
  );
  refused(
    codes({ of: "key", bits: 4, along: "rows", group: 32, residual: -32 }),
    `residual is -32, which is not ${least0}`,
  );
  declare(tokenStep({ enough: { atLeast: -5 }, protect: { first: 0 } }));
});

Deno.test("what a parameter without a range of its own may be follows from what it sets", () => {
  const params = { ratio: { default: 0.5 }, window: { default: 32 }, rows: { default: 8 } };
  const step = channelStep({ remove: "ratio", window: "window", protect: { last: "rows" } });
  const variant = pruning({ name: "v", params, steps: [step] });
  const check = (given: Record<string, number>) =>
    checkNumbers(variant, resolveParams("v", params, given));
  const refused = (given: Record<string, number>, text: string) =>
    assertThrows(() => check(given), KerfError, text);
  check({ ratio: 1, window: 1, rows: 0 });
  refused({ ratio: 1.5 }, `Cannot use ratio=1.5 for "v": steps[0].remove must be a share`);
  refused({ window: 2.5 }, `Cannot use window=2.5 for "v": steps[0].window must be a whole number`);
  refused({ rows: -1 }, `Cannot use rows=-1 for "v": steps[0].protect.last must be a whole number`);

  const derived = tokenStep({
    keep: 64,
    protect: { last: (v) => v.ratio! * 9 },
  });
  assertThrows(
    () => checkNumbers(pruning({ name: "v", params, steps: [derived] }), { ratio: 0.5 }),
    KerfError,
    `Cannot use "v" with these numbers: steps[0].protect.last is 4.5, not a whole number`,
  );
});

Deno.test("a default is within its parameter's range", () => {
  const params = { ratio: { default: 1.5, min: 0, max: 0.95 } };
  const steps = [channelStep({ remove: "ratio" })];
  const why = `Cannot declare "v": the default ratio=1.5 is not a number from 0 to 0.95`;
  assertThrows(() => pruning({ name: "v", params, steps }), TypeError, why);
  assertThrows(() => attention({ name: "v", params, mask: () => true }), TypeError, why);
});
