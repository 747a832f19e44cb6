/** Giving back: whatever fails, everything else is still given back. */

/** Gives one thing back. */
export type Release = () => void;

/**
 * Runs every release in order.
 *
 * @throws what the first that failed threw, after all have run
 */
export function releaseAll(releases: Iterable<Release>): void {
  const failures: unknown[] = [];
  for (const release of releases) {
    try {
      release();
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
}
