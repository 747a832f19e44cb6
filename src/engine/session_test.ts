import { assertEquals, assertRejects } from "@std/assert";
import { denseLayout } from "../layout/make.ts";
import { KvCache } from "./cache.ts";
import { Generation } from "./generation.ts";
import type { GenerateResult } from "./generation.ts";
import { Session } from "./session.ts";
import { fakeDevice } from "./testing.ts";

function openSession() {
  const layout = denseLayout({ key: "f16", value: "f16" });
  const shape = { layout, nSlots: 1, nLayers: 1, nKvHeads: 1, headDim: 32, nCtx: 256 };
  const cache = new KvCache(fakeDevice(), shape);
  return { cache, session: new Session(cache) };
}

Deno.test("a session keeps its cache for a prompt that extends it, else drops it", () => {
  const { cache, session } = openSession();
  cache.reserveRows(session.slot, 3);
  cache.advance(session.slot, 3);
  session.keep([1, 2, 3]);
  assertEquals(session.fit([1, 2, 3, 4]), 0);
  assertEquals(cache.tokensOf(session.slot), 3);
  // The same tokens again leave no row to compute logits from.
  assertEquals(session.fit([1, 2, 3]), 3);
  assertEquals(cache.tokensOf(session.slot), 0);
  session.keep([1, 2, 3]);
  assertEquals(session.fit([1, 9, 3, 4]), 3);
  assertEquals(session.fit([1]), 0);
});

Deno.test("a closed session gives its slot back once", () => {
  const { cache, session } = openSession();
  assertEquals(cache.hasFreeSlot, false);
  session.close();
  session.close();
  assertEquals([cache.openSlot(), cache.hasFreeSlot], [0, false]);
});

const result = { text: "ab" } as GenerateResult;

Deno.test("a generation gives pieces and then its result, or its result alone", async () => {
  async function* pieces() {
    yield* ["a", await Promise.resolve("b")];
    return result;
  }
  const iterated = new Generation(pieces());
  const seen: string[] = [];
  for await (const piece of iterated) seen.push(piece);
  assertEquals(seen, ["a", "b"]);
  assertEquals(await iterated.result, result);
  assertEquals(await new Generation(pieces()).result, result);
  const within = new Generation(pieces());
  let asked: Promise<GenerateResult> | undefined;
  for await (const _ of within) asked = within.result;
  assertEquals(await asked, result);
  await assertRejects(() => within[Symbol.asyncIterator]().next(), TypeError, "twice");
});

Deno.test("leaving a generation early ends its work; a failure reaches the reader", async () => {
  let ended = 0;
  async function* pieces(): AsyncGenerator<string, GenerateResult> {
    try {
      yield await Promise.resolve("a");
      throw new RangeError("no more");
    } finally {
      ended++;
    }
  }
  const left = new Generation(pieces());
  for await (const _ of left) break;
  assertEquals(ended, 1);
  const why = (error: Error) => error.name;
  assertEquals(await left.result.catch(why), "AbortError");
  assertEquals(await new Generation(pieces()).result.catch(why), "RangeError");
  assertEquals(ended, 2);
});
