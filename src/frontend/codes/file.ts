/** Codes of the file: that it parses, type-checks, imports what it may and exports a definition. */

import { code } from "./code.ts";

/** KERF00xx. */
export const FILE_CODES = {
  KERF0001: code(
    "syntax error",
    "the file is no TypeScript, so nothing in it can be read",
    "correct the marked text",
  ),
  KERF0002: code(
    "type error",
    "the author's function is the reference, so it must type-check as TypeScript",
    "make the types agree",
  ),
  KERF0003: code(
    "unknown name",
    "a kernel file sees kerf/dsl, other kernel files, Math and the plain language, nothing else",
    "declare the name, or import it from kerf/dsl or another kernel file",
  ),
  KERF0004: code(
    "import not allowed",
    "kernels are generated from these files alone: anything else could change them unseen",
    'import from "kerf/dsl" or from another file of the kernels folder',
  ),
  KERF0005: code(
    "no default export",
    "a kernel file declares one kernel or variant, as its default export",
    "write `export default attention({ … })`, pruning, rowwise or another function of kerf/dsl",
  ),
  KERF0006: code(
    "default export is not a definition",
    "only what a function of kerf/dsl returns says which hooks there are and how they are typed",
    "write `export default attention({ … })`, pruning, rowwise or another function of kerf/dsl",
  ),
  KERF0007: code(
    "definition refused",
    "the module was run to get its definition, and that threw",
    "change the declaration as the message says",
  ),
  KERF0008: code(
    "hook not written out",
    "the front end reads a hook's source, so it must find the function by reading",
    "write the function in the object literal, or give the name of a function or const",
  ),
  KERF0009: code(
    "value may be undefined",
    "TypeScript cannot know that the index lies inside",
    "write `!` after the index: `b[0]!`",
  ),
  KERF0010: code(
    "name not usable",
    "the name becomes part of symbols and file names on every target",
    "use letters, digits and _, starting with a letter",
  ),
  KERF0011: code(
    "name of another file",
    "a spec finds a variant by its file, kernels and messages call it by its name: both are one",
    "give the variant its file's name",
  ),
};
