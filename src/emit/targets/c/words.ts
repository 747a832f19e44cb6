/** Identifiers that hook code may not take in C: its keywords, and the words that headers make keywords. */

import { words } from "../../names.ts";

const KEYWORDS = `
auto break case char const continue default do double else enum extern float for goto if inline int long
register restrict return short signed sizeof static struct switch typedef union unsigned void volatile
while bool true false`;

/** Every such name. */
export const C_WORDS: ReadonlySet<string> = new Set(words(KEYWORDS));
