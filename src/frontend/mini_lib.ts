/**
 * The standard library that authors' files are checked against: the plain language, Math without random,
 * arrays. No DOM, no Date, no console, no promises: impure code is a type error, and checking takes
 * milliseconds. Functions of definitions that run when a plan is made (a table's `from`) may use all of it;
 * hooks only what docs/language.md lists.
 */

/** The declarations, as the text of a .d.ts file. */
export const MINI_LIB = `
interface Object { readonly constructor: Function }
interface Function { readonly name: string }
interface CallableFunction extends Function {}
interface NewableFunction extends Function {}
interface IArguments {}
interface RegExp {}
interface Promise<T> { readonly value: T }
interface PromiseConstructor {}
declare const Promise: PromiseConstructor;
interface Boolean {}
interface Symbol {}
interface SymbolConstructor { readonly iterator: unique symbol }
declare const Symbol: SymbolConstructor;
interface Number { toString(radix?: number): string }
interface NumberConstructor {
  (value?: unknown): number;
  isInteger(value: unknown): boolean;
  isFinite(value: unknown): boolean;
  isNaN(value: unknown): boolean;
  readonly EPSILON: number;
  readonly MAX_SAFE_INTEGER: number;
}
declare const Number: NumberConstructor;
interface String {
  readonly length: number;
  includes(text: string): boolean;
  startsWith(text: string): boolean;
  endsWith(text: string): boolean;
  slice(start?: number, end?: number): string;
  split(separator: string): string[];
}
interface StringConstructor { (value?: unknown): string }
declare const String: StringConstructor;
declare const NaN: number;
declare const Infinity: number;

type Partial<T> = { [K in keyof T]?: T[K] };
type Readonly<T> = { readonly [K in keyof T]: T[K] };
type Record<K extends keyof any, T> = { [P in K]: T };
type Pick<T, K extends keyof T> = { [P in K]: T[P] };
type Exclude<T, U> = T extends U ? never : T;
type Extract<T, U> = T extends U ? T : never;
type Omit<T, K extends keyof any> = Pick<T, Exclude<keyof T, K>>;
type NonNullable<T> = T & {};
type Parameters<T extends (...args: any) => any> = T extends (...args: infer P) => any ? P : never;
type ReturnType<T extends (...args: any) => any> = T extends (...args: any) => infer R ? R : any;

interface IteratorYieldResult<T> { done?: false; value: T }
interface IteratorReturnResult<T> { done: true; value: T }
type IteratorResult<T, R = any> = IteratorYieldResult<T> | IteratorReturnResult<R>;
interface Iterator<T, R = any, N = any> { next(...args: [] | [N]): IteratorResult<T, R> }
interface Iterable<T, R = any, N = any> { [Symbol.iterator](): Iterator<T, R, N> }
interface IterableIterator<T, R = any, N = any> extends Iterator<T, R, N> {
  [Symbol.iterator](): IterableIterator<T, R, N>;
}
interface IteratorObject<T, R = unknown, N = unknown> extends Iterator<T, R, N> {
  [Symbol.iterator](): IteratorObject<T, R, N>;
}
interface ArrayIterator<T> extends IteratorObject<T, undefined, unknown> {
  [Symbol.iterator](): ArrayIterator<T>;
}

interface ArrayLike<T> { readonly length: number; readonly [index: number]: T }
interface ConcatArray<T> extends ArrayLike<T> {}
interface ReadonlyArray<T> {
  readonly length: number;
  readonly [index: number]: T;
  [Symbol.iterator](): ArrayIterator<T>;
  at(index: number): T | undefined;
  map<U>(each: (value: T, index: number, array: readonly T[]) => U): U[];
  flatMap<U>(each: (value: T, index: number) => U | readonly U[]): U[];
  filter(keep: (value: T, index: number) => boolean): T[];
  reduce<U>(step: (acc: U, value: T, index: number) => U, init: U): U;
  slice(start?: number, end?: number): T[];
  concat(...items: (T | ConcatArray<T>)[]): T[];
  every(test: (value: T, index: number) => boolean): boolean;
  some(test: (value: T, index: number) => boolean): boolean;
  includes(value: T): boolean;
  indexOf(value: T): number;
  keys(): ArrayIterator<number>;
  entries(): ArrayIterator<[number, T]>;
}
interface Array<T> extends ReadonlyArray<T> {
  length: number;
  [index: number]: T;
  push(...items: T[]): number;
  fill(value: T, start?: number, end?: number): this;
  reverse(): T[];
  sort(compare?: (a: T, b: T) => number): this;
}
interface ArrayConstructor {
  new <T>(length: number): T[];
  (length: number): any[];
  from<T>(source: Iterable<T> | ArrayLike<T>): T[];
  from<T, U>(source: Iterable<T> | ArrayLike<T>, each: (value: T, index: number) => U): U[];
  of<T>(...items: T[]): T[];
  isArray(value: unknown): value is any[];
}
declare const Array: ArrayConstructor;
interface TemplateStringsArray extends ReadonlyArray<string> { readonly raw: readonly string[] }

interface TypedNumbers {
  readonly length: number;
  [index: number]: number;
  [Symbol.iterator](): ArrayIterator<number>;
  fill(value: number, start?: number, end?: number): this;
  set(values: ArrayLike<number>, offset?: number): void;
  subarray(start?: number, end?: number): this;
}
interface TypedNumbersConstructor<T> {
  new (length: number): T;
  new (values: ArrayLike<number> | Iterable<number>): T;
  from(source: ArrayLike<number> | Iterable<number>): T;
  from<U>(source: ArrayLike<U> | Iterable<U>, each: (value: U, index: number) => number): T;
  of(...values: number[]): T;
}
interface Float32Array extends TypedNumbers {}
declare const Float32Array: TypedNumbersConstructor<Float32Array>;
interface Float64Array extends TypedNumbers {}
declare const Float64Array: TypedNumbersConstructor<Float64Array>;
interface Int32Array extends TypedNumbers {}
declare const Int32Array: TypedNumbersConstructor<Int32Array>;
interface Uint32Array extends TypedNumbers {}
declare const Uint32Array: TypedNumbersConstructor<Uint32Array>;

interface ObjectConstructor {
  freeze<T>(value: T): Readonly<T>;
  keys(value: {}): string[];
  entries<T>(value: { readonly [key: string]: T }): [string, T][];
  fromEntries<T>(entries: Iterable<readonly [string, T]>): { [key: string]: T };
}
declare const Object: ObjectConstructor;
interface Error { name: string; message: string }
interface ErrorConstructor { new (message?: string): Error }
declare const Error: ErrorConstructor;
declare const TypeError: ErrorConstructor;
declare const RangeError: ErrorConstructor;

interface Math {
  readonly E: number;
  readonly PI: number;
  readonly LN2: number;
  readonly LN10: number;
  readonly LOG2E: number;
  readonly LOG10E: number;
  readonly SQRT2: number;
  readonly SQRT1_2: number;
  abs(x: number): number;
  acos(x: number): number;
  asin(x: number): number;
  atan(x: number): number;
  atan2(y: number, x: number): number;
  cbrt(x: number): number;
  ceil(x: number): number;
  clz32(x: number): number;
  cos(x: number): number;
  cosh(x: number): number;
  exp(x: number): number;
  expm1(x: number): number;
  floor(x: number): number;
  fround(x: number): number;
  hypot(...values: number[]): number;
  imul(a: number, b: number): number;
  log(x: number): number;
  log10(x: number): number;
  log1p(x: number): number;
  log2(x: number): number;
  max(...values: number[]): number;
  min(...values: number[]): number;
  pow(base: number, exponent: number): number;
  round(x: number): number;
  sign(x: number): number;
  sin(x: number): number;
  sinh(x: number): number;
  sqrt(x: number): number;
  tan(x: number): number;
  tanh(x: number): number;
  trunc(x: number): number;
}
declare const Math: Math;
`;
