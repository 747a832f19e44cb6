import { assert, assertEquals } from "@std/assert";
import { basis } from "./basis.ts";
import { channels } from "./channels.ts";
import { clashesOf, mended } from "./clashes.ts";
import { codes } from "./codes.ts";
import { denseLayout } from "../layout/make.ts";
import type { Member } from "./members.ts";
import type { ParamSpecs } from "./params.ts";
import { pruning } from "./pruning.ts";
import type { PruningStep } from "./pruning.ts";
import { meanSquare } from "./reductions.ts";
import { resolveParams } from "./params.ts";
import { tokens } from "./tokens.ts";

const member = (name: string, steps: readonly PruningStep[], params: ParamSpecs = {}): Member => ({
  ...{ name, params: resolveParams(name, params), definition: pruning({ name, params, steps }) },
});

const rows = member("rows", [tokens({ score: () => 1, group: "mean", keep: 8, every: 4 })]);
const list = member("list", [channels({
  of: "key",
  group: "mean",
  window: 1,
  score: (q) => meanSquare(q),
  remove: 0.5,
})]);
const switchable = { on: { default: 1, min: 0, max: 1 } };
const turned = member("turned", [basis({ of: "key", if: "on" })], switchable);
const coded = member("coded", [
  codes({ of: "key", bits: 4, along: "rows", group: 16, residual: 16 }),
]);

const withZero = (own: Member, names: readonly string[]): Member => ({
  ...own,
  params: { ...own.params, ...Object.fromEntries(names.map((name) => [name, 0])) },
});
const mendedNames = (members: readonly Member[]) =>
  mended(members, withZero).map(({ name, params }) => `${name}${params.on === 0 ? " off" : ""}`);

Deno.test("variants that leave each other alone do not clash", () => {
  assertEquals(clashesOf([]), []);
  assertEquals(clashesOf([list, coded]), []);
  assertEquals(mendedNames([list, coded]), ["list", "coded"]);
});

Deno.test("a clash names both, says why, and has a way out", () => {
  const [clash] = clashesOf([list, turned]);
  assert(clash!.message.startsWith('Cannot combine "list" and "turned": a channel list counts'));
  assertEquals(mendedNames([list, turned]), ["list", "turned off"]);
  assertEquals(clashesOf([list, withZero(turned, ["on"])]), []);
});

Deno.test("every clash of a spec is mended, one after the other", () => {
  assertEquals(mendedNames([turned, coded, list]), ["list", "turned off", "coded"]);
  assertEquals(mendedNames([list, { ...list }, coded, { ...coded }]), ["list", "coded"]);
  // Without a parameter that stops it the later one goes.
  assertEquals(mendedNames([rows, list, coded]), ["rows", "list"]);
  // One whose steps run before and after the other's stands in neither place.
  const once = tokens({ score: () => 1, group: "mean", keep: 8 });
  const both = member("both", [once, ...coded.definition.steps]);
  assertEquals(mendedNames([list, both]), ["both"]);
});

Deno.test("what only decoding meets is told apart", () => {
  assertEquals(clashesOf([rows, coded]).map(({ onlyDecoding }) => onlyDecoding), [true]);
  assertEquals(clashesOf([list, turned]).map(({ onlyDecoding }) => onlyDecoding), [undefined]);
});

Deno.test("a declared layout has no place for others", () => {
  const { definition } = list;
  const own = { ...list, definition: { ...definition, layout: denseLayout } };
  assertEquals(clashesOf([own]), []);
  const [clash] = clashesOf([rows, own]);
  assertEquals(clash!.message, 'Cannot combine "rows" and "list": "list" declares its own layout');
});
