/**
 * The study: prints the commands that measure it, or draws its charts and tables from the results beside this
 * file. Commands go on where results of the same commit stop; another commit measures anew.
 *
 *     deno run -A bench/results/study.ts | sh       80 minutes of two cores
 *     deno run -A bench/results/study.ts --draw
 */

import { readHeader } from "../../src/cli/inspect/header.ts";
import { CELLS, commandOf } from "./cells.ts";
import { studyFiles } from "./files.ts";
import { CALIBRATE } from "./specs.ts";

const FOLDER = new URL("./", import.meta.url);

if (Deno.args[0] === "--draw") {
  for (const [name, text] of await studyFiles(FOLDER)) {
    await Deno.writeTextFile(new URL(name, FOLDER), text);
  }
} else {
  const header = await readHeader({});
  const commands = await Promise.all(CELLS.map((cell) => commandOf(cell, header)));
  for (const words of [CALIBRATE, ...commands]) console.log(`deno ${words.join(" ")}`);
}
