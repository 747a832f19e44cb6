/**
 * What goes wrong on a GPU long after it was asked for: errors that arrive in scopes or outside of any,
 * and the loss of the device. The first one stays: everything asked of the device afterwards fails with
 * it, so that nothing is computed on what was never made.
 */

import { formatBytes } from "../../core/bytes.ts";
import { KerfError } from "../../core/error.ts";
import { OutOfMemory } from "../out_of_memory.ts";

/** The errors of one GPU device. */
export class Faults {
  #first: Error | undefined;
  #pending: Promise<void>[] = [];
  #closed = false;

  constructor(gpu: GPUDevice) {
    gpu.addEventListener("uncapturederror", (event) => {
      event.preventDefault();
      this.#note(uncaptured((event as GPUUncapturedErrorEvent).error));
    });
    gpu.lost.then(({ message }) => {
      if (this.#closed) return;
      this.#note(
        new KerfError(`Cannot go on: the graphics driver gave the device up: ${message}`, {
          hint: ["run it again", "--device cpu"],
        }),
      );
    });
  }

  /** From now on the device is lost because it was asked to go. */
  close(): void {
    this.#closed = true;
  }

  /** Makes something; when the device has no memory for it, what `explain` says is the fault. */
  guardMemory<T>(gpu: GPUDevice, make: () => T, explain: () => KerfError): T {
    gpu.pushErrorScope("out-of-memory");
    const made = make();
    const popped = gpu.popErrorScope().then((error) => {
      if (error !== null) this.#note(explain());
    });
    this.#pending.push(popped);
    return made;
  }

  /** @throws the first error that is known by now */
  throwKnown(): void {
    if (this.#first) throw this.#first;
  }

  /** Waits for what scopes have to say. @throws the first error */
  async settle(): Promise<void> {
    await Promise.all(this.#pending.splice(0));
    this.throwKnown();
  }

  #note(error: Error): void {
    this.#first ??= error;
  }
}

/** An error of no scope. Only a lack of memory is the user's; any other is a bug here. */
function uncaptured(error: GPUError): Error {
  return error instanceof GPUOutOfMemoryError
    ? new OutOfMemory("Cannot go on: the device is out of memory", { hint: "--device cpu" })
    : new Error(`WebGPU: ${error.message}`);
}

/** There is no memory for a buffer. */
export function outOfMemory(label: string, sizes: { asked: number; held: number }): OutOfMemory {
  const [asked, held] = [formatBytes(sizes.asked), formatBytes(sizes.held)];
  return new OutOfMemory(
    `Cannot allocate buffer "${label}": the device has no ${asked} left, beside ${held} that are held`,
    { hint: "--device cpu" },
  );
}
