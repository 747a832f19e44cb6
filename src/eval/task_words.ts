/** Words that generated tasks draw from: common ones that no text of Moby Dick's kind repeats by itself. */

const list = (text: string): readonly string[] => Object.freeze(text.trim().split(/\s+/));

/** Things that have a code or are counted. */
export const THINGS = list(`
  umbrella violin pumpkin lantern giraffe teapot balloon saddle cactus mirror pencil carpet helmet
  guitar button candle ladder basket pillow tractor rocket napkin zebra magnet kettle scooter
  sandal trumpet walnut blanket ribbon crystal puzzle garlic lizard pepper camera jacket bicycle
  sofa printer dolphin freezer muffin tulip hamster elevator noodle pyramid robot saxophone tomato
`);

/** People who keep things. */
export const NAMES = list(`
  Alice Bruno Carla Dmitri Elena Farid Greta Hugo Ines Jonas Karim Lena Marco Nadia Oscar Paula
  Quentin Rosa Stefan Tanya Ulrich Vera Walter Xenia Yusuf Zelda
`);

/** Where they keep them. */
export const PLACES = list(`
  Berlin Toronto Cairo Oslo Madrid Lima Vienna Seoul Dublin Athens Prague Havana Warsaw Lisbon
  Geneva Jakarta Nairobi Budapest Helsinki Montreal
`);

/** Draws without putting back. */
export class Draw {
  readonly #random: () => number;

  /** @param random uniform in [0, 1) */
  constructor(random: () => number) {
    this.#random = random;
  }

  /** A whole number from 0 to `n` − 1. */
  below(n: number): number {
    return Math.floor(this.#random() * n);
  }

  /** `n` different ones of a list, in random order. @throws {RangeError} it has fewer */
  some<T>(from: readonly T[], n: number): T[] {
    if (n > from.length) throw new RangeError(`Cannot draw ${n} of ${from.length}`);
    const rest = [...from];
    return Array.from({ length: n }, () => rest.splice(this.below(rest.length), 1)[0]!);
  }

  /** A list in random order. */
  shuffled<T>(list: readonly T[]): T[] {
    return this.some(list, list.length);
  }

  /** Numbers of five digits, all different. */
  numbers(n: number): string[] {
    const seen = new Set<string>();
    while (seen.size < n) seen.add(String(10_000 + this.below(90_000)));
    return [...seen];
  }

  /** `n` depths in [0, 1], ascending. */
  depths(n: number): number[] {
    return Array.from({ length: n }, this.#random).sort((a, b) => a - b);
  }
}
