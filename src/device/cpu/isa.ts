/**
 * Instruction set levels: which ones this machine has, which one kernels are compiled for. Plain data and
 * one choice; what the machine can do comes from the runtime's cpuid.
 */

import { KerfError } from "../../core/error.ts";

/**
 * A level kernels can be compiled for. `base` is what every CPU of the architecture has (on aarch64 NEON), `vnni`
 * is v4 with sums of 8-bit products and permutations of bytes, `bf16` is `vnni` with sums of products of bf16,
 * `dotprod` is NEON with sums of 8-bit products.
 */
export type Isa = "bf16" | "vnni" | "v4" | "v3" | "v2" | "dotprod" | "base";

/** Every level, of one architecture after the other, best first. */
export const ISA_LEVELS: readonly Isa[] = ["bf16", "vnni", "v4", "v3", "v2", "dotprod", "base"];

const VNNI = ["-march=x86-64-v4", "-mavx512vnni", "-mavx512vbmi", "-mprefer-vector-width=512"];

/**
 * The compiler flags of a level. Vectors of sixteen lanes are wider than v3's registers, and GCC copies them sixteen
 * bytes at a time, some through whole numbers, unless it tunes for a CPU that copies by 32; that chooses no instructions
 * a v3 lacks.
 */
export const ISA_FLAGS: Readonly<Record<Isa, readonly string[]>> = Object.freeze({
  dotprod: ["-march=armv8.2-a+dotprod"],
  bf16: [...VNNI, "-mavx512bf16"],
  vnni: VNNI,
  v4: ["-march=x86-64-v4", "-mprefer-vector-width=512"],
  v3: ["-march=x86-64-v3", "-mtune=skylake-avx512"],
  v2: ["-march=x86-64-v2"],
  base: [],
});

/** A level's name for people. */
export function isaName(isa: Isa): string {
  if (isa === "base") return `${Deno.build.arch} baseline`;
  if (isa === "dotprod") return "aarch64 with dotprod";
  if (isa === "bf16") return "x86-64-v4 with vnni and bf16";
  return isa === "vnni" ? "x86-64-v4 with vnni" : `x86-64-${isa}`;
}

/** The runtime's levels of CPUs that can run each: x86-64's are 1 to 6, those of others begin with 16. */
const CPU_LEVELS: Readonly<Record<Isa, { readonly from: number; readonly to: number }>> = {
  bf16: { from: 6, to: 15 },
  vnni: { from: 5, to: 15 },
  v4: { from: 4, to: 15 },
  v3: { from: 3, to: 15 },
  v2: { from: 2, to: 15 },
  dotprod: { from: 17, to: 31 },
  base: { from: 0, to: Infinity },
};

/** The levels a CPU of the runtime's level can run, best first. */
export function isaLevels(cpuLevel: number): Isa[] {
  return ISA_LEVELS.filter((isa) => {
    const { from, to } = CPU_LEVELS[isa];
    return cpuLevel >= from && cpuLevel <= to;
  });
}

/**
 * The level to compile for: `requested`, else `$KERF_ISA`, else the best this machine has.
 *
 * @throws {KerfError} when the level asked for is unknown or this machine lacks it
 */
export function chooseIsa(cpuLevel: number, requested?: Isa): Isa {
  const available = isaLevels(cpuLevel);
  const fromEnv = Deno.env.get("KERF_ISA") || undefined;
  const wanted = requested ?? fromEnv;
  if (wanted === undefined) return available[0]!;
  const found = available.find((isa) => isa === wanted);
  if (found !== undefined) return found;
  const known = ISA_LEVELS.some((isa) => isa === wanted);
  throw new KerfError(
    `Cannot compile for the instruction set "${wanted}": ` +
      (known ? "this CPU does not have it" : "there is no such level"),
    { hint: `KERF_ISA=${available[0]}   (one of ${available.join(", ")})` },
  );
}
