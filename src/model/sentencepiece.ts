/**
 * SentencePiece BPE vocabularies (Llama 1 and 2, Mistral) as merges: they carry scores, not merges, and
 * the neighbours whose joint token scores highest are merged first. Writing every split of every token as
 * a merge, best score first, gives the same order.
 */

import type { TextList } from "./text_list.ts";

/** Pieces that join to a token, in the order in which they may be merged. */
export function mergesFromScores(
  tokens: TextList,
  scores: readonly number[],
): [string, string][] {
  const merges: { pair: [string, string]; score: number; ids: readonly [number, number] }[] = [];
  let id = -1;
  for (const token of tokens) {
    id++;
    for (let at = 1; at < token.length; at++) {
      const [left, right] = [token.slice(0, at), token.slice(at)];
      const [leftId, rightId] = [tokens.indexOf(left), tokens.indexOf(right)];
      if (leftId === undefined || rightId === undefined) continue;
      merges.push({ pair: [left, right], score: scores[id]!, ids: [leftId, rightId] });
    }
  }
  merges.sort((a, b) => b.score - a.score || a.ids[0] - b.ids[0] || a.ids[1] - b.ids[1]);
  return merges.map(({ pair }) => pair);
}
