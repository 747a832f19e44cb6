import { assertEquals } from "@std/assert";
import { commandOf } from "../flags.ts";
import { parseCommand } from "../args.ts";
import { evalFlags } from "./options.ts";

const flagsOf = (...words: string[]) => evalFlags(parseCommand(commandOf("eval")!, words));

Deno.test("what is named twice counts once: the same passage again would narrow intervals", () => {
  assertEquals(flagsOf("--chapters", "3,9,3").chapters, [3, 9]);
  assertEquals(flagsOf("--text", "a.txt", "b.txt", "a.txt").texts, ["a.txt", "b.txt"]);
  assertEquals(flagsOf("--task", "needle,needle", "-c", "1024,1024").lengths, [1024]);
  assertEquals(flagsOf("--task", "needle,kl,needle").tasks, ["needle", "kl"]);
});
