/**
 * `deno task bench tune`: the tile shapes of matrix products on this machine, for each of its instruction sets.
 * Every candidate is held to the references before it is timed; the table changes only with --write.
 */

import { join } from "@std/path";
import { KerfError } from "../../core/error.ts";
import { openCpuDevice } from "../../device/cpu/device.ts";
import { isaName } from "../../device/cpu/isa.ts";
import type { Isa } from "../../device/cpu/isa.ts";
import { machineIsas } from "../../device/cpu/machine_isas.ts";
import { TILES } from "../../emit/targets/c/tiles.ts";
import type { TileSet, TileTable } from "../../emit/targets/c/tile_shape.ts";
import { kernelTexts } from "../../engine/kernel_texts.ts";
import type { ParsedArgs } from "../args.ts";
import { commitWithChanges } from "../commit.ts";
import { ROOT } from "../root.ts";
import { openProgress, writeError, writeOut } from "../terminal.ts";
import { writeWhole } from "../write_whole.ts";
import { giga } from "./kernel_rows.ts";
import { markdownTable } from "./markdown_table.ts";
import { formatObjects } from "./report.ts";
import type { BenchFormat } from "./report.ts";
import { knownProduct, largeProduct, PACKING } from "./tune/problems.ts";
import type { ProductSize } from "./tune/problems.ts";
import { stagesOf } from "./tune/stages.ts";
import type { ProductKind } from "./tune/stages.ts";
import { setText, shapeText, TABLE_FILE, tableText } from "./tune/table_text.ts";
import { tuneProduct } from "./tune/tune_product.ts";
import type { TuneRow } from "./tune/tune_product.ts";

/** The shapes that a level's kernels are compiled with. */
const SET_OF: Readonly<Record<Isa, TileSet>> = {
  ...{ bf16: "vnni", vnni: "vnni", v4: "v4", v3: "v3", dotprod: "dotprod" },
  ...{ v2: "portable", base: "portable" },
};

const KERNELS: Readonly<Record<ProductKind, string>> = {
  f32: `matmul__${PACKING}`,
  q8: `matmul_q8__${PACKING}`,
};

/** Around tiles of every height, panels of every length and a group of packed rows. */
const KNOWN: readonly ProductSize[] = [
  { nRows: 33, nIn: 1568, nOut: 33 },
  { nRows: 31, nIn: 96, nOut: 48 },
  { nRows: 1, nIn: 608, nOut: 100 },
];
/** The default model's widths; for one row a matrix of 63 MB, which few caches hold. */
const [D_MODEL, D_FF, MANY] = [576, 1536, 1 << 16];

/**
 * The levels to tune of those that a machine has, best first: the one asked for, or the best for each set of shapes.
 *
 * @throws {KerfError} exit code 2: the machine does not have it
 */
export function levelsOf(isas: readonly Isa[], wanted: string | undefined): Isa[] {
  if (wanted === undefined) {
    return isas.filter((isa, i) => isas.findIndex((b) => SET_OF[b] === SET_OF[isa]) === i);
  }
  const isa = isas.find((isa) => isa === wanted);
  if (isa !== undefined) return [isa];
  throw new KerfError(`Cannot tune "${wanted}": this machine does not have it`, {
    hint: `--isa ${isas[0]}   (one of ${isas.join(", ")})`,
    exitCode: 2,
  });
}

function rowsTable(rows: readonly TuneRow[]): string {
  return markdownTable(
    [...["set", "product", "what varies", "candidate"], ...["rate", "ratio", "verified", "taken"]],
    rows.map((row) => [
      ...[row.set, row.product, row.stage, shapeText(row.candidate)],
      row.macs_s !== null
        ? `${giga(row.macs_s)} GMAC/s`
        : row.bytes_s !== null
        ? `${giga(row.bytes_s)} GB/s`
        : "",
      ...[row.ratio?.toFixed(3) ?? "", row.fault ?? "yes", row.taken ? "yes" : ""],
    ]),
    4,
  );
}

/** The command: `values` are the flags of `bench`. */
export async function tune(values: ParsedArgs["values"]): Promise<number> {
  const nRows = (values.p as readonly number[] | undefined)?.[0] ?? 512;
  const rounds = (values.r as number | undefined) ?? 31;
  if (nRows < 1 || rounds < 1) {
    throw new KerfError("There is nothing to measure", { hint: "-p 512 -r 31", exitCode: 2 });
  }
  const threads = (values.t as number | undefined) ?? navigator.hardwareConcurrency;
  const levels = levelsOf(await machineIsas(), values.isa as string | undefined);
  const date = new Date().toISOString().slice(0, 10);
  const drawer = openProgress();
  let done = 0;
  const total = levels.reduce((n, isa) => n + 2 * stagesOf(SET_OF[isa], "q8").length, 0);
  let table: TileTable = TILES;
  const rows: TuneRow[] = [];
  for (const isa of levels) {
    const device = await openCpuDevice({ isa, threads });
    const set = SET_OF[isa];
    try {
      for (const [kind, name] of Object.entries(KERNELS) as [ProductKind, string][]) {
        const [kernel] = await kernelTexts([name], { target: "c" });
        const sized = (nRows: number, nIn: number, nOut: number) =>
          largeProduct(kind, { nRows, nIn, nOut });
        const found = await tuneProduct({
          ...{ device, set, kind, table, rounds, kernel: kernel!, stages: stagesOf(set, kind) },
          known: KNOWN.map((size) => knownProduct(kind, size)),
          large: {
            rows: [sized(nRows, D_MODEL, D_FF), sized(nRows, D_FF, D_MODEL)],
            row: [sized(1, D_FF, MANY)],
          },
          onProgress: (label) => drawer.draw({ label, done: done++, total }),
        });
        rows.push(...found.rows);
        table = found.table;
      }
    } finally {
      device.close();
    }
    const found = `${threads} threads, ${isaName(isa)}, ${date}`;
    table = { ...table, [set]: { ...table[set], found } };
  }
  drawer.end();
  writeError(`${Deno.build.target}, ${threads} threads; commit ${await commitWithChanges()}\n`);
  const format = (values.o as BenchFormat | undefined) ?? "md";
  if (format === "md") {
    const sets = levels.map((isa) => setText(table, SET_OF[isa])).join("");
    writeOut(`${rowsTable(rows)}\nFor ${TABLE_FILE}:\n\n${sets}`);
  } else writeOut(formatObjects(rows, format));
  if (values.write === true) {
    await writeWhole(join(ROOT, TABLE_FILE), tableText(table));
    writeError(`${TABLE_FILE} is written; now: deno task gen\n`);
  }
  const wrong = rows.find(({ fault }) => fault !== null);
  if (wrong === undefined) return 0;
  throw new KerfError(
    `A product of ${wrong.set} is wrong with ${shapeText(wrong.candidate)}: ${wrong.fault}`,
  );
}
