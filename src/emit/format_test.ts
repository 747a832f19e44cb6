import { assertEquals, assertThrows } from "@std/assert";
import { format } from "./format.ts";
import { markedText } from "./lines.ts";
import { wrapLine } from "./wrap.ts";

const options = {
  file: "generated/c/f.c",
  lineMark: (line: number, file: string) => `#line ${line} "${file}"`,
};
const lines = (text: string) => format(text, options).split("\n").slice(0, -1);

const hook = (...statements: readonly (readonly [number, string])[]) =>
  markedText(statements.map(([line, text]) => ({
    text,
    span: { file: "kernels/x.ts", line, column: 1, endLine: line, endColumn: 2 },
  })));

Deno.test("indentation follows the brackets", () => {
  assertEquals(lines('void f()\n{\nif (a) {\ng(\nb);\n} else {\nc("{"); /* } */\n}\n}\n'), [
    ...["void f()", "{", "  if (a) {", "    g(", "      b);", "  } else {"],
    ...['    c("{"); /* } */', "  }", "}"],
  ]);
  assertThrows(() => format("{\n", options), SyntaxError, "brackets do not balance");
});

Deno.test("comments keep their stars in line and directives stay at the margin", () => {
  assertEquals(lines("{\n/*\n* a { b\n*/\n#define X\n}"), [
    ...["{", "  /*", "   * a { b", "   */", "#define X", "}"],
  ]);
});

Deno.test("blank lines are folded, and dropped at the edges of a block", () => {
  assertEquals(lines("\n\na;\n\n\nb;\n{\n\nc;\n\n}\n\n"), ["a;", "", "b;", "{", "  c;", "}"]);
});

Deno.test("hook code is under the author's lines, and counting returns to the file's own", () => {
  const out = lines(`{\n${hook([7, "a;"], [8, "b;"], [20, "c;"])}\nd;\n}`);
  assertEquals(out, [
    ...["{", '#line 7 "kernels/x.ts"', "  a;", "  b;", '#line 20 "kernels/x.ts"', "  c;"],
    ...['#line 8 "generated/c/f.c"', "  d;", "}"],
  ]);
  // The directive says which line of the file the next one is.
  assertEquals(out.indexOf("  d;") + 1, 8);
});

Deno.test("a mark that is a comment stands where the code does", () => {
  const lineMark = (line: number, file: string) => `// ${file}:${line}`;
  const text = format(`{\n${hook([7, "a;"])}\nb;\n}`, { file: "generated/f.wgsl", lineMark });
  assertEquals(text.split("\n"), [
    ...["{", "  // kernels/x.ts:7", "  a;", "  // generated/f.wgsl:5", "  b;", "}", ""],
  ]);
});

Deno.test("a wrapped or blank line ends what the compiler can count", () => {
  const long = `x = ${Array(12).fill("something_long").join(" + ")};`;
  const out = lines(`${hook([7, long], [8, "b;"])}\nc;`);
  assertEquals(out.filter((line) => line === '#line 8 "kernels/x.ts"').length, 1);
});

/** A name of so many letters. */
const name = (n: number) => "n".repeat(n);

Deno.test("long lines break at the outermost, loosest place", () => {
  assertEquals(wrapLine(`  f(${name(40)}, g(${name(40)}, b), ${name(20)});`), [
    `  f(${name(40)}, g(${name(40)}, b),`,
    `      ${name(20)});`,
  ]);
  assertEquals(wrapLine(`x = ${name(40)} * ${name(30)} + ${name(40)};`), [
    `x = ${name(40)} * ${name(30)}`,
    `    + ${name(40)};`,
  ]);
  assertEquals(wrapLine(`  int ${name(50)}, int ${name(50)})`), [
    `  int ${name(50)},`,
    `  int ${name(50)})`,
  ]);
  const comment = `a; /* ${name(100)} */`;
  assertEquals(wrapLine(comment), [comment]);
});

Deno.test("what hangs on a loop or a condition goes to a line of its own where both are too long", () => {
  const body = `f(${name(44)}, ${name(44)});`;
  for (const header of ["for (i = 0; i < n; i++)", "UNROLL for (i = 0; i < n; i++)", "if (g(x))"]) {
    assertEquals(wrapLine(`  ${header} ${body}`), [`  ${header}`, `    ${body}`]);
    assertEquals(wrapLine(`  ${header} f(x);`), [`  ${header} f(x);`]);
  }
  const block = `while (${name(60)} && ${name(40)}) {`;
  assertEquals(wrapLine(block), [`while (${name(60)}`, `    && ${name(40)}) {`]);
});
