/** Runs asynchronous work a few at a time. */

/**
 * Maps with at most `jobs` calls under way; results keep the inputs' order. After a failure nothing new
 * starts, and the first error is thrown once what runs has ended.
 */
export async function mapLimited<T, R>(
  inputs: readonly T[],
  jobs: number,
  work: (input: T, index: number) => Promise<R>,
): Promise<R[]> {
  const results = new Array<R>(inputs.length);
  const errors: unknown[] = [];
  let next = 0;
  const worker = async () => {
    while (next < inputs.length && errors.length === 0) {
      const index = next++;
      try {
        results[index] = await work(inputs[index]!, index);
      } catch (error) {
        errors.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.max(1, Math.min(jobs, inputs.length)) }, worker));
  if (errors.length > 0) throw errors[0];
  return results;
}
