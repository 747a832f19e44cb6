/** What no identifier of C may be: the keywords of GNU C, and the lower-case macros of its compilers. */

import { words } from "../../names.ts";

/** Every such word. */
export const C_KEYWORDS: ReadonlySet<string> = new Set(words(`
asm auto bool break case char const continue default do double else enum extern false float for goto
if inline int linux long register restrict return short signed sizeof static struct switch true
typedef typeof union unix unsigned void volatile while`));
