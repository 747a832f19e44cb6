import { assertThrows } from "@std/assert";
import { checkDefines } from "./defines.ts";

Deno.test("defines are those of the signature, and whole numbers", () => {
  const signature = { name: "k", bindings: [], constants: [], defines: ["HEAD_DIM"] };
  const entry = { signature, sources: {}, authored: [] };
  const fails = (defines: Record<string, number>, message: string) =>
    assertThrows(() => checkDefines({ entry, defines }), TypeError, `kernel "k": ${message}`);
  checkDefines({ entry, defines: { HEAD_DIM: 64 } });
  fails({}, 'define "HEAD_DIM" is undefined');
  fails({ HEAD_DIM: 0.5 }, 'define "HEAD_DIM" is 0.5');
  fails({ HEAD_DIM: 64, GROUP: 3 }, 'it has no define "GROUP"');
});
