/** Codes of columns, tables and bytes: how a hook reads what is more than a number. */

import { code } from "./code.ts";

/** KERF04xx. */
export const DATA_CODES = {
  KERF0401: code(
    "column used as a number",
    "a column is a run of values whose length is known only when the kernel runs",
    "call a reduction on it: meanSquare(k), sum(k), maxAbs(k) …",
  ),
  KERF0402: code(
    "column indexed",
    "only the template walks a column, in tiles",
    "call a reduction on it, or declare one with reduction({ … }); its finish gets the length",
  ),
  KERF0403: code(
    "reduction of something else",
    "a reduction reads a column that the hook receives",
    "pass the column parameter itself; put the arithmetic into the reduction's step",
  ),
  KERF0404: code(
    "reduction not declared plainly",
    "its parts are printed into the template's loops, so they must be found by reading",
    "declare it as a top-level `const name = reduction({ name, init, step, merge, finish })`",
  ),
  KERF0405: code(
    "table used without its indices",
    "a table is a tensor; a kernel reads one element at a time",
    "give one index per dimension of its shape",
  ),
  KERF0406: code(
    "too many indices",
    "a table takes one index per dimension of its shape, bytes take one",
    "remove the extra index",
  ),
  KERF0407: code(
    "bytes used as a number",
    "a block's bytes are read one at a time",
    "read a byte: `b[0]!`",
  ),
  KERF0408: code(
    "index or field of a number",
    "a number has neither",
    "use the number itself",
  ),
};
