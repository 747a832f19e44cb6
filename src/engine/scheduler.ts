/**
 * Runs requests to their ends: any mix of prefill chunks and decode rows a step, as many sequences at
 * once as slots and budget allow, first come first served. A sequence's tokens do not depend on the
 * others: kernels give each row the same bits in any company, and each has its own sampler.
 */

import type { Admission, Admitted } from "./admission.ts";
import type { Engine } from "./engine.ts";
import type { RowOutput } from "./step_outputs.ts";
import { outcomeOf } from "./outcome.ts";
import type { Outcome } from "./outcome.ts";
import { admitNext, boundariesOf, refusal, workOf } from "./request.ts";
import type { Request } from "./request.ts";
import { isGreedy, sampler } from "./sampling.ts";
import { isPrefilling, lastRowOf, nextRows, takeToken } from "./sequence.ts";
import type { Sequence } from "./sequence.ts";

/** What happens while requests run. */
export type SchedulerEvent =
  | { readonly kind: "token"; readonly index: number; readonly id: number; readonly text: string }
  /** Prompt tokens cached so far. */
  | {
    readonly kind: "prefill";
    readonly index: number;
    readonly done: number;
    readonly total: number;
  }
  /** The prompt runs layer by layer: dense it does not fit the budget, or takes more than twice the bytes. */
  | { readonly kind: "layered"; readonly index: number }
  | { readonly kind: "end"; readonly outcome: Outcome; readonly text: string };

/** How to run. */
export interface SchedulerOptions {
  /** Rows of a step at most; at most the plan's. */
  readonly chunkSize: number;
  readonly signal?: AbortSignal;
}

interface Waiting {
  readonly index: number;
  readonly request: Request;
}

/** Runs requests, yielding what happens; ends when all have ended. */
export async function* schedule(
  engine: Engine,
  requests: readonly Request[],
  options: SchedulerOptions & { readonly admission: Admission },
): AsyncGenerator<SchedulerEvent, void> {
  const { chunkSize, signal, admission } = options;
  const waiting: Waiting[] = requests.map((request, index) => ({ index, request }));
  const startMs = performance.now();
  const running = new Map<Sequence, { request: Request; admitted: Admitted }>();
  for (const { request } of waiting) {
    const work = workOf(request);
    admission.checkContext(work, request.kept?.slot ?? null);
    admission.checkBudget(work, request.kept?.slot ?? null);
  }
  try {
    while (waiting.length > 0 || running.size > 0) {
      for (let next = waiting[0]; next; next = waiting[0]) {
        const admitted = admitNext(engine, next.request, { running, admission });
        if (!admitted && running.size > 0) break;
        if (!admitted) throw refusal(engine, next.request, admission);
        waiting.shift();
        const sequence = open(engine, next, { admitted, startMs });
        running.set(sequence, { request: next.request, admitted });
        if (admitted.order === "layered" && !signal?.aborted) {
          yield { kind: "layered", index: next.index };
          yield* prefillLayered(engine, sequence, signal);
        }
      }
      const live = [...running.keys()].filter((s) => s.finish === null);
      if (signal?.aborted) live.forEach((s) => s.finish = "interrupted");
      else if (live.length > 0) yield* step(engine, live, chunkSize);
      for (const [sequence, { request }] of running) {
        if (sequence.finish === null) continue;
        const outcome = outcomeOf(engine, sequence);
        running.delete(sequence);
        if (!request.kept) engine.cache.closeSlot(sequence.slot);
        yield { kind: "end", outcome, text: sequence.decoder.end() };
      }
    }
  } finally {
    // Only when the consumer stops early or a step fails are there any left.
    for (const [sequence, { request }] of running) {
      if (!request.kept) engine.cache.closeSlot(sequence.slot);
    }
  }
}

function open(
  engine: Engine,
  { index, request }: Waiting,
  { admitted, startMs }: { admitted: Admitted; startMs: number },
): Sequence {
  const { promptTokens, kept } = request;
  const slot = kept?.slot ?? engine.cache.openSlot();
  const nCached = kept?.nCached ?? 0;
  engine.cache.table.resetPeak(slot);
  return {
    index,
    slot,
    maxTokens: admitted.maxTokens,
    stopIds: request.stopIds,
    isGreedy: isGreedy(request.sampling),
    sampler: sampler(request.sampling),
    decoder: request.decoder,
    boundaries: boundariesOf(request),
    nPrompt: promptTokens.length,
    tokens: [...promptTokens],
    generated: [],
    startMs,
    openMs: performance.now(),
    nCached,
    nPrefilled: 0,
    nDecoded: 0,
    firstTokenMs: null,
    finish: null,
  };
}

async function* prefillLayered(
  engine: Engine,
  s: Sequence,
  signal: AbortSignal | undefined,
): AsyncGenerator<SchedulerEvent> {
  const { index, nPrompt: total } = s;
  const end = s.boundaries.shift()!;
  const tokens = s.tokens.slice(0, end);
  const run = engine.prefillLayered(s.slot, tokens, { logits: lastRowOf(s), signal });
  let next = await run.next();
  try {
    for (; !next.done; next = await run.next()) {
      yield { kind: "prefill", index, done: Math.round(end * next.value), total };
    }
  } finally {
    // A reader that leaves must not leave the prompt's activations behind.
    await run.return(null);
  }
  const output = next.value;
  if (output === null) {
    s.finish = "interrupted";
    return;
  }
  s.nCached = end;
  s.nPrefilled = end;
  if (end === s.nPrompt) yield* take(s, output);
}

async function* step(
  engine: Engine,
  live: readonly Sequence[],
  chunkSize: number,
): AsyncGenerator<SchedulerEvent> {
  const decoding = live.filter((s) => !isPrefilling(s));
  for (const { slot } of decoding) await engine.flush(slot);
  let budget = Math.max(chunkSize - decoding.length, decoding.length === 0 ? 1 : 0);
  const chosen = [...decoding];
  const rows = decoding.map((s) => nextRows(s, 1));
  for (const s of live.filter(isPrefilling)) {
    if (budget === 0) break;
    const next = nextRows(s, budget);
    budget -= next.tokens.length;
    chosen.push(s);
    rows.push(next);
  }
  const outputs = await engine.step(rows);
  for (const [i, s] of chosen.entries()) {
    const n = rows[i]!.tokens.length;
    const wasPrefill = isPrefilling(s);
    s.nCached += n;
    if (wasPrefill) {
      s.nPrefilled += n;
      yield { kind: "prefill", index: s.index, done: s.nCached, total: s.nPrompt };
      if (s.nCached === s.boundaries[0]) {
        s.boundaries.shift();
        await engine.compress(s.slot);
      }
    } else {
      s.nDecoded++;
      await engine.evictDecoded(s.slot, s.nDecoded);
    }
    if (rows[i]!.logits !== "none") yield* take(s, outputs.shift()!);
  }
}

function* take(s: Sequence, output: RowOutput): Generator<SchedulerEvent> {
  s.firstTokenMs ??= performance.now();
  const taken = takeToken(s, output);
  if (taken) yield { kind: "token", index: s.index, ...taken };
}
