/**
 * Where a start's time goes: each stage leaves a mark when it ends, and `deno task bench startup` reads the
 * marks of the processes that it starts. A mark costs two microseconds and is never printed otherwise.
 */

import process from "node:process";

const PREFIX = "kerf:";

/** The end of a stage. */
export interface StartupMark {
  readonly stage: string;
  /** Milliseconds since 1970, so that the marks of several processes meet. */
  readonly atMs: number;
  /** Processor time of the process until then, all threads. */
  readonly cpuMs: number;
}

/** What one process left. */
export interface StartupTrace {
  /** When its JavaScript could run. */
  readonly originMs: number;
  readonly marks: readonly StartupMark[];
}

/** Says that a stage of this process' start has ended. */
export function markStage(stage: string): void {
  const { user, system } = process.cpuUsage();
  performance.mark(PREFIX + stage, { detail: (user + system) / 1000 });
}

const LINE = "kerf-startup ";

/** This process' marks as one line. */
export function startupLine(): string {
  const { timeOrigin } = performance;
  const marks = performance.getEntriesByType("mark").flatMap((entry): StartupMark[] => {
    if (!entry.name.startsWith(PREFIX)) return [];
    const { detail } = entry as PerformanceMark;
    const stage = entry.name.slice(PREFIX.length);
    return [{ stage, atMs: timeOrigin + entry.startTime, cpuMs: Number(detail) }];
  });
  return LINE + JSON.stringify({ originMs: timeOrigin, marks } satisfies StartupTrace);
}

/** The traces among the lines of a text, in their order. */
export function startupTraces(text: string): StartupTrace[] {
  return text.split("\n").filter((line) => line.startsWith(LINE))
    .map((line) => JSON.parse(line.slice(LINE.length)));
}

/** Whether someone measures this start: KERF_STARTUP is set. */
export const isTraced = (): boolean => (Deno.env.get("KERF_STARTUP") ?? "") !== "";
