/**
 * Names that hook code may not take in WGSL: its keywords and reserved words, the built-in functions that
 * the op table and the templates call, and what the templates declare around hooks.
 *
 * Source: WGSL specification (W3C), sections 15.1 and 15.2.
 */

import { words } from "../../names.ts";

const KEYWORDS = `
alias break case const const_assert continue continuing default diagnostic discard else enable false fn
for if let loop override requires return struct switch true var while`;

const RESERVED = `
NULL Self abstract active alignas alignof as asm asm_fragment async attribute auto await become cast catch
class co_await co_return co_yield coherent column_major common compile compile_fragment concept const_cast
consteval constexpr constinit crate debugger decltype delete demote demote_to_helper do dynamic_cast enum
explicit export extends extern external fallthrough filter final finally friend from fxgroup get goto
groupshared highp impl implements import inline instanceof interface layout lowp macro macro_rules match
mediump meta mod module move mut mutable namespace new nil noexcept noinline nointerpolation non_coherent
noncoherent noperspective null nullptr of operator package packoffset partition pass patch pixelfragment
precise precision premerge priv protected pub public readonly ref regardless register reinterpret_cast
require resource restrict self set shared sizeof smooth snorm static static_assert static_cast std
subroutine super target template this thread_local throw trait try type typedef typeid typename typeof
union unless unorm unsafe unsized use using varying virtual volatile wgsl where with writeonly yield`;

const CALLED = `
abs array atan2 bitcast bool ceil cos exp exp2 f16 f32 floor fma i32 log log2 max min round select sign sin
sqrt trunc u32 vec2 vec3 vec4`;

const TEMPLATES = `
params group groups lane lanes item page width head kv_head row rows seq slot channel query chunk`;

/** Every such name. */
export const WGSL_WORDS: ReadonlySet<string> = new Set(
  [KEYWORDS, RESERVED, CALLED, TEMPLATES].flatMap(words),
);
