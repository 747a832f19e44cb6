/*
 * What every generated WGSL kernel needs: where a work group stands in the grid, half floats, and the
 * operations whose WGSL operator has another meaning than Kerf's (src/ir/ops.ts). The device puts this
 * text in the place of `#include "kerf.wgsl"`, and the kernel's compile-time values in front of it.
 *
 * What WGSL does not promise, and kernels therefore cannot:
 * - NaN and infinities: a compiler may assume that there are none. Functions here test bits, and
 *   overflow gives what the hardware gives; no literal is infinite or NaN.
 * - Subnormal numbers may be taken as 0, in operands and in results.
 * - a / b and sqrt have errors up to 2.5 units in the last place; a · b + c may be rounded once or twice.
 * - log, log2, sin, cos and pow are the hardware's: near 0 their error is absolute (2^-21 for log, 2^-11
 *   for sin and cos). exp, exp2 and tanh are computed here, within 4 units in the last place.
 */

/* The largest count of work groups along one axis; more go along the next. */
const KERF_AXIS = 65535u;

/* Which work group this is; may lie past the last one when the count needed two axes. */
fn kerf_item(group: vec3<u32>, groups: vec3<u32>) -> u32 {
  return group.y * groups.x + group.x;
}

/* ---- values that the compiler cannot see ---- */

fn kerf_opaque_f32(x: f32) -> f32 { return x; }
fn kerf_opaque_i32(x: i32) -> i32 { return x; }
fn kerf_opaque_bool(x: bool) -> bool { return x; }

/* ---- arithmetic of f32 ---- */

fn kerf_is_nan(x: f32) -> bool {
  return (bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u;
}

/* The one NaN, made where no constant expression sees it. */
fn kerf_nan(x: f32) -> f32 {
  return bitcast<f32>(bitcast<u32>(x) | 0x7fc00000u);
}

/* Whole numbers in the order of f32: −0 is 0, and NaN is 0, below them all. */
fn kerf_order(x: f32) -> u32 {
  let bits = bitcast<u32>(x);
  if (kerf_is_nan(x)) { return 0u; }
  if (bits == 0x80000000u) { return bits; }
  return select(bits | 0x80000000u, ~bits, bits > 0x80000000u);
}

/* −1, 0 or 1; keeps −0 and NaN. */
fn kerf_sign(x: f32) -> f32 {
  if (x > 0.0) { return 1.0; }
  if (x < 0.0) { return -1.0; }
  return x;
}

/* NaN if either is; −0 is below 0. */
fn kerf_min(a: f32, b: f32) -> f32 {
  if (kerf_is_nan(a)) { return a; }
  if (kerf_is_nan(b)) { return b; }
  if (a == b) { return bitcast<f32>(bitcast<u32>(a) | bitcast<u32>(b)); }
  return select(b, a, a < b);
}
fn kerf_max(a: f32, b: f32) -> f32 {
  if (kerf_is_nan(a)) { return a; }
  if (kerf_is_nan(b)) { return b; }
  if (a == b) { return bitcast<f32>(bitcast<u32>(a) & bitcast<u32>(b)); }
  return select(b, a, a > b);
}

/* The remainder with the sign of a, exact: long division of the significands. */
fn kerf_rem(a: f32, b: f32) -> f32 {
  let a_bits = bitcast<u32>(a) & 0x7fffffffu;
  let b_bits = bitcast<u32>(b) & 0x7fffffffu;
  if (a_bits >= 0x7f800000u || b_bits > 0x7f800000u || b_bits == 0u) { return kerf_nan(a); }
  if (a_bits < b_bits) { return a; }

  /* Subnormal significands have no leading bit, and the exponent of the smallest normal number. */
  let a_exponent = max(a_bits >> 23u, 1u);
  let b_exponent = max(b_bits >> 23u, 1u);
  var rest = (a_bits & 0x7fffffu) | select(0u, 0x800000u, a_bits >= 0x800000u);
  let divisor = (b_bits & 0x7fffffu) | select(0u, 0x800000u, b_bits >= 0x800000u);
  for (var exponent = a_exponent; exponent > b_exponent; exponent--) {
    rest = select(rest, rest - divisor, rest >= divisor) << 1u;
  }
  rest = select(rest, rest - divisor, rest >= divisor);

  /* rest · 2^(b_exponent − 150), its leading bit brought to its place. */
  var exponent = b_exponent;
  while (rest != 0u && rest < 0x800000u && exponent > 1u) {
    rest = rest << 1u;
    exponent--;
  }
  let biased = select(0u, exponent << 23u, rest >= 0x800000u);
  return bitcast<f32>((bitcast<u32>(a) & 0x80000000u) | biased | (rest & 0x7fffffu));
}

/* 2ⁿ · eʳ for |r| ≤ ln 2 / 2; n in two halves, so that neither leaves the range of exponents. */
fn kerf_scaled_exp(r: f32, n: f32) -> f32 {
  var p = 0.0013814467;
  p = fma(p, r, 0.008368781);
  p = fma(p, r, 0.041668393);
  p = fma(p, r, 0.1666652);
  p = fma(p, r, 0.49999994);
  let e = fma(r * r, p, r) + 1.0;
  let whole = i32(n);
  let low = whole >> 1u;
  return e * bitcast<f32>((low + 127) << 23u) * bitcast<f32>((whole - low + 127) << 23u);
}

/* eˣ: overflows from 88.73 on, 0 below −103.98. */
fn kerf_exp(x: f32) -> f32 {
  if (kerf_is_nan(x)) { return x; }
  let bounded = clamp(x, -104.0, 89.0);
  let n = round(bounded * 1.442695);
  /* ln 2 in two parts, the first so short that n times it is exact. */
  return kerf_scaled_exp(fma(n, -1.4286068e-6, bounded - n * 0.693145752), n);
}

/* 2ˣ. */
fn kerf_exp2(x: f32) -> f32 {
  if (kerf_is_nan(x)) { return x; }
  let bounded = clamp(x, -151.0, 129.0);
  let n = round(bounded);
  return kerf_scaled_exp((bounded - n) * 0.6931472, n);
}

/* tanh x: an odd polynomial near 0, else 1 − 2 / (e²ˣ + 1), which is 1 from 10 on. */
fn kerf_tanh(x: f32) -> f32 {
  if (kerf_is_nan(x)) { return x; }
  let magnitude = min(abs(x), 10.0);
  if (magnitude < 0.625) {
    let z = x * x;
    var p = -0.005717045;
    p = fma(p, z, 0.020650588);
    p = fma(p, z, -0.053743497);
    p = fma(p, z, 0.13331491);
    p = fma(p, z, -0.33333284);
    return fma(x * z, p, x);
  }
  let far = 1.0 - 2.0 / (kerf_exp(2.0 * magnitude) + 1.0);
  return select(far, -far, x < 0.0);
}

/* aᵇ as JavaScript has it for finite a and b. */
fn kerf_pow(a: f32, b: f32) -> f32 {
  if (b == 0.0) { return 1.0; }
  let magnitude = exp2(b * log2(abs(a)));
  if (a >= 0.0) { return magnitude; }
  if (b != trunc(b)) { return kerf_nan(a); }
  return select(magnitude, -magnitude, abs(kerf_rem(b, 2.0)) == 1.0);
}

/* ---- arithmetic of i32 ---- */

/* Toward zero; 0 when b is 0; −2³¹ / −1 wraps. */
fn kerf_div_i32(a: i32, b: i32) -> i32 {
  if (b == 0) { return 0; }
  if (b == -1) { return -a; }
  return a / b;
}
fn kerf_mod_i32(a: i32, b: i32) -> i32 {
  if (b == 0 || b == -1) { return 0; }
  return a % b;
}

/* Toward zero; beyond the range its ends, NaN gives 0. */
fn kerf_to_i32(x: f32) -> i32 {
  if (kerf_is_nan(x)) { return 0; }
  if (x >= 2147483648.0) { return 2147483647; }
  if (x <= -2147483648.0) { return i32(0x80000000u); }
  return i32(x);
}

/* ---- 16-bit floats ---- */

/* The low 16 bits read as an IEEE half. */
fn kerf_f16_to_f32(bits: i32) -> f32 {
  return unpack2x16float(u32(bits) & 0xffffu).x;
}

/*
 * The nearest half, ties to even, in the low 16 bits. pack2x16float leaves the rounding to the hardware,
 * and bytes in the cache must be the same on every device.
 */
fn kerf_f16_bits(x: f32) -> u32 {
  let bits = bitcast<u32>(x);
  let magnitude = bits & 0x7fffffffu;
  let sign = (bits >> 16u) & 0x8000u;
  if (magnitude > 0x7f800000u) { return sign | 0x7e00u | ((magnitude >> 13u) & 0x3ffu); }
  if (magnitude >= 0x47800000u) { return sign | 0x7c00u; }
  if (magnitude < 0x38800000u) {
    /* The unit of 0.5 + |x| is the smallest half, so the addition rounds to it. */
    return sign | (bitcast<u32>(bitcast<f32>(magnitude) + 0.5) - 0x3f000000u);
  }
  return sign | (((magnitude + 0xfffu + ((magnitude >> 13u) & 1u)) >> 13u) - (112u << 10u));
}
fn kerf_f16_pair(low: f32, high: f32) -> u32 {
  return kerf_f16_bits(low) | (kerf_f16_bits(high) << 16u);
}

/* Two bf16 in one word: the upper halves of two f32. */
fn kerf_bf16_pair(word: u32) -> vec2<f32> {
  return vec2<f32>(bitcast<f32>(word << 16u), bitcast<f32>(word & 0xffff0000u));
}

/* The four bytes of a word, or their nibbles, as whole numbers. */
fn kerf_bytes(word: u32) -> vec4<u32> {
  return (vec4<u32>(word) >> vec4<u32>(0u, 8u, 16u, 24u)) & vec4<u32>(255u);
}

/* ---- codes of 2, 4 and 8 bits ---- */

/*
 * Sixteen codes are a cell of 2·bits bytes: element i in byte i mod 2·bits, from bit bits·⌊i / 2·bits⌋ up
 * (src/layout/coded.ts). Their group's scale and minimum share a word, halves; code c is scale·c + minimum.
 */

/* The word of a cell that holds elements i and i + 1; i is even, and counted modulo 16. */
fn kerf_code_word(i: u32, bits: u32) -> u32 {
  return i % 16u % (2u * bits) / 4u;
}
/* Those two codes of the word. */
fn kerf_code_pair(word: u32, i: u32, bits: u32) -> vec2<f32> {
  let shifted = word >> (i % 4u * 8u + i % 16u / (2u * bits) * bits);
  return vec2<f32>(f32(extractBits(shifted, 0u, bits)), f32(extractBits(shifted, 8u, bits)));
}

/* a / b to the nearest, for whole b up to 4096: b times half of the bits of a quotient is exact. */
fn kerf_divide_small(a: f32, b: f32) -> f32 {
  let quotient = a / b;
  let high = bitcast<f32>(bitcast<u32>(quotient) & 0xfffff000u);
  let rest = (a - high * b) - (quotient - high) * b;
  return quotient + rest / b;
}

/* The word of a group of values: scale (largest − smallest) / (2^bits − 1). */
fn kerf_group_word(smallest: f32, largest: f32, bits: u32) -> u32 {
  return kerf_f16_pair(kerf_divide_small(largest - smallest, f32((1u << bits) - 1u)), smallest);
}

/*
 * The nearest code with scale and minimum as they are stored, halves to even; 0 where the scale is. Exact
 * whatever the hardware's division: `half` by the scale is, and so is the rest where it is small.
 */
fn kerf_code_of(x: f32, group: vec2<f32>, bits: u32) -> u32 {
  if (group.x <= 0.0) { return 0u; }
  let steps = x - group.y;
  let below = clamp(floor(steps / group.x), 0.0, f32((1u << bits) - 1u));
  let half = below + 0.5;
  let rest = steps - half * group.x;
  /* A quotient within half a unit in the last place of `half` is it. */
  let unit = bitcast<f32>(bitcast<u32>(half) & 0x7f800000u) * 5.9604645e-8 * group.x;
  let rises = rest > unit || (rest >= -unit && u32(below) % 2u == 1u);
  return min(u32(below) + u32(rises), (1u << bits) - 1u);
}
