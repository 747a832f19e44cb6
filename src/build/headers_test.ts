import { assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { KerfError } from "../core/error.ts";
import { inlineHeaders } from "./headers.ts";

async function inTree(
  files: Readonly<Record<string, string>>,
  body: (root: string) => Promise<void>,
): Promise<void> {
  const root = await Deno.makeTempDir();
  try {
    for (const [path, text] of Object.entries(files)) {
      await Deno.mkdir(join(root, path, ".."), { recursive: true });
      await Deno.writeTextFile(join(root, path), text);
    }
    await body(root);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

Deno.test("headers go in once, nested ones too, and lines keep their numbers", async () => {
  const files = {
    "generated/c/kerf.h": '#pragma once\n#include "half.h"\nint kerf;',
    "generated/c/half.h": "int half;",
  };
  await inTree(files, async (root) => {
    const text = '#include <stdint.h>\n#include "kerf.h"\n  # include "half.h" // again\nint x;';
    assertEquals(
      (await inlineHeaders(text, { file: "generated/c/x.c", root })).split("\n"),
      [
        '#line 1 "generated/c/x.c"',
        "#include <stdint.h>",
        '#line 1 "generated/c/kerf.h"',
        "",
        '#line 1 "generated/c/half.h"',
        "int half;",
        '#line 3 "generated/c/kerf.h"',
        "int kerf;",
        '#line 3 "generated/c/x.c"',
        "",
        "int x;",
      ],
    );
  });
});

Deno.test("a header that is not there is an error with the line that asks for it", async () => {
  await inTree({}, async (root) => {
    const error = await assertRejects(
      () => inlineHeaders('\n#include "kerf.h"\n', { file: "generated/c/x.c", root }),
      KerfError,
      `Cannot include "${join(root, "generated/c/kerf.h")}"`,
    );
    assertEquals(error.where, "generated/c/x.c:2");
    assertEquals(error.hints, ["deno task gen"]);
  });
});

Deno.test("sources that share headers read each once", async () => {
  await inTree({ "c/kerf.h": "int kerf;" }, async (root) => {
    const known = new Map<string, Promise<string>>();
    const options = { file: "c/x.c", root, known, lineMarks: false };
    assertEquals(await inlineHeaders('#include "kerf.h"', options), "int kerf;");
    await Deno.remove(join(root, "c/kerf.h"));
    assertEquals(await inlineHeaders('int y;\n#include "kerf.h"', options), "int y;\nint kerf;");
    assertEquals([...known.keys()], [join(root, "c/kerf.h")]);
  });
});
