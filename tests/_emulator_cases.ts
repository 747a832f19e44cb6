/**
 * Kernels that are wrong in one way each, and beside them kernels that are right: what the emulator must and
 * must not tell. `args` has 64 words of a, b and f; its pointer `none` is null.
 */

/** A kernel's body, how it is launched, and what must be told of it; without that, it is right. */
export interface Case {
  readonly body: string;
  readonly problem?: RegExp;
  /** Where, when not in block 0: block, thread. */
  readonly at?: readonly [block: number, thread: number];
  readonly grid?: number;
  readonly block?: number;
}

const OUTSIDE = / of 4 bytes outside global memory/;

/** By what the kernel does. */
export const CASES: Readonly<Record<string, Case>> = {
  reads_past_the_end: {
    body: "args.b[kerf_thread()] = args.a[kerf_thread() + 1];",
    problem: /read of 4 bytes outside global memory, at byte 256 of an allocation of 256/,
    at: [0, 63],
  },
  writes_past_the_end: { body: "args.a[kerf_thread() + 4] = 1;", problem: OUTSIDE, at: [0, 60] },
  writes_before_the_start: { body: "args.a[(i64)kerf_thread() - 1] = 1;", problem: OUTSIDE },
  reads_nothing: { body: "args.b[0] = *args.none;", problem: OUTSIDE },
  writes_half_outside: {
    body: "*(u64 *)(args.a + 2 * kerf_thread()) = 1;",
    problem: /write of 8 bytes outside global memory, at byte 256/,
    at: [0, 32],
  },
  stays_inside: { body: "args.b[kerf_thread()] = args.a[63 - kerf_thread()];" },

  leaves_a_shared_array: {
    body: "__shared__ u32 x[64]; x[kerf_thread() + 1] = 1;",
    problem: /index 64 of an array 'u32 \[64\]'|index 64 of an array 'unsigned int \[64\]'/,
    at: [0, 63],
  },
  leaves_an_inner_array: {
    body: `struct pair { float a[4], b[4]; };
    __shared__ pair x[64]; x[kerf_thread()].a[kerf_thread()] = 1.0f;`,
    problem: /index 4 of an array 'float \[4\]'/,
    at: [0, 4],
  },
  leaves_dynamic_shared_memory: {
    body: "u32 *x = (u32 *)kerf_dynamic_shared(); x[kerf_thread() + 1] = 1;",
    problem: /write of 4 bytes outside/,
    at: [0, 63],
  },
  uses_dynamic_shared_memory: {
    body: `u32 *x = (u32 *)kerf_dynamic_shared(); x[kerf_thread()] = kerf_thread();
    kerf_sync_threads(); args.b[kerf_thread()] = x[63 - kerf_thread()];`,
  },

  reads_what_nobody_wrote: {
    body: `__shared__ u32 x[64]; if (kerf_thread() != 5) x[kerf_thread()] = 1;
    kerf_sync_threads(); args.b[kerf_thread()] = x[63 - kerf_thread()];`,
    problem: /read of shared memory that no thread of the block has written/,
    at: [0, 58],
  },
  reads_what_an_earlier_block_wrote: {
    body: `__shared__ u32 x; if (kerf_block() == 0) x = kerf_thread() == 0;
    kerf_sync_threads(); if (kerf_thread() == 0) args.b[kerf_block()] = x;`,
    problem: /no thread of the block has written/,
    at: [1, 0],
    grid: 2,
    block: 1,
  },

  races_to_write_shared: {
    body:
      "__shared__ u32 x; if (kerf_thread() % 32 == 7) x = kerf_thread();\nkerf_sync_threads(); args.b[kerf_thread()] = x;",
    problem: /race: write of shared memory that thread 7 wrote since the last barrier/,
    at: [0, 39],
  },
  races_to_read_shared: {
    body: `__shared__ u32 x[64]; x[kerf_thread()] = 1;
    args.b[kerf_thread()] = x[kerf_thread() ^ 1];`,
    problem: /no thread of the block has written|race: read of shared memory/,
  },
  reads_shared_too_early: {
    body: `__shared__ u32 x[64]; x[kerf_thread()] = 1;
    if (kerf_thread() == 40) args.b[0] = x[3];`,
    problem: /race: read of shared memory that thread 3 wrote since the last barrier/,
    at: [0, 40],
  },
  writes_shared_too_early: {
    body: `__shared__ u32 x[64]; x[kerf_thread()] = 1; kerf_sync_threads();
    args.b[kerf_thread()] = x[kerf_thread() ^ 1]; if (kerf_thread() == 9) x[9] = 2;`,
    problem: /race: write of shared memory that thread 8 read since the last barrier/,
    at: [0, 9],
  },
  writes_what_many_read: {
    body: `__shared__ u32 x; if (kerf_thread() == 0) x = 1; kerf_sync_threads();
    args.b[kerf_thread()] = x; if (kerf_thread() == 63) x = 2;`,
    problem: /race: write of shared memory that several threads, one of them \d+ read/,
    at: [0, 63],
  },
  shares_with_barriers: {
    body: `__shared__ u32 x[64]; x[kerf_thread()] = 1; kerf_sync_threads();
    const u32 y = x[63 - kerf_thread()] + x[0]; kerf_sync_threads();
    x[kerf_thread()] = y; if (kerf_block() == 1) args.b[kerf_thread()] = x[kerf_thread()];`,
    grid: 3,
  },
  races_in_global_memory: {
    body: "args.a[kerf_thread()] = 1; args.b[kerf_thread()] = args.a[kerf_thread() / 2];",
    problem: /race: read of global memory that thread 0 wrote since the last barrier/,
    at: [0, 1],
  },
  races_for_a_byte: {
    body: "u8 *bytes = (u8 *)args.a; bytes[kerf_thread() / 2] = 1;",
    problem: /race: write of global memory that thread 0 wrote/,
    at: [0, 1],
  },
  writes_bytes_of_one_word: { body: "((u8 *)args.a)[kerf_thread()] = 1;" },

  races_between_blocks: {
    body: "if (kerf_thread() == 3) args.a[0] = kerf_block();",
    problem: /race between blocks: write of .* that another block wrote/,
    at: [1, 3],
    grid: 2,
  },
  reads_another_block: {
    body:
      "if (kerf_block() == 0) args.a[kerf_thread()] = 1; else args.b[kerf_thread()] = args.a[0];",
    problem:
      /race between blocks: read of .*, byte 0 of an allocation of 256, that another block wrote/,
    at: [1, 0],
    grid: 2,
  },
  overwrites_what_a_block_read: {
    body: "args.b[kerf_block()] = args.a[0]; if (kerf_block() == 2) args.a[0] = 1;",
    problem: /race between blocks: write of .* that another block read/,
    at: [2, 0],
    grid: 3,
    block: 1,
  },
  adds_atomically: { body: "kerf_atomic_add(args.a, kerf_thread());", grid: 3 },
  reads_between_atomics: {
    body: "kerf_atomic_add(args.a, 1); if (kerf_thread() == 9) args.b[0] = args.a[0];",
    problem: /race: read of global memory that thread \d+ wrote/,
    at: [0, 9],
  },

  lacks_threads_at_a_barrier: {
    body: "if (kerf_thread() < 40) kerf_sync_threads();",
    problem: /a barrier that not all threads reach: thread 40 has ended/,
  },
  meets_at_two_barriers: {
    body: "if (kerf_thread() < 40) { kerf_sync_threads(); }\nelse { kerf_sync_threads(); }",
    problem: /a barrier that not all threads reach: thread 0 waits at a barrier at \S+:\d+/,
  },
  leaves_a_loop_early: {
    body: "for (u32 i = 0; i < kerf_warp() + 1; i++) kerf_sync_threads();",
    problem: /a barrier that not all threads reach: thread 0 has ended/,
  },
  lacks_lanes_at_a_shuffle: {
    body: "if (kerf_lane() != 4) args.f[kerf_thread()] = kerf_shuffle_down(1.0f, 1);",
    problem: /a shuffle that not all threads reach: thread 4 has ended/,
  },
  shuffles_beside_a_barrier: {
    body: "if (kerf_lane() < 16) kerf_shuffle(1.0f, 0);\nelse kerf_sync_threads();",
    problem: /a shuffle that not all threads reach: thread 16 waits at a barrier at/,
  },
  shuffles_from_no_lane: {
    body: "args.f[kerf_thread()] = kerf_shuffle_xor(1.0f, 16);",
    problem: /a shuffle reads lane 16 of a warp of 16/,
    block: 48,
  },
  shuffles_warp_by_warp: {
    body: "if (kerf_warp() == 1) args.f[kerf_thread()] = kerf_shuffle_xor((float)kerf_lane(), 3);",
  },

  reads_a_word_off_its_place: {
    body: "args.b[0] = kerf_load_word((const u8 *)args.a + 2);",
    problem: /4 bytes at an address that is no multiple of 4/,
  },
  reads_four_off_their_place: {
    body: "float x[4]; kerf_load4_f32(args.f + 1, x); args.f[0] = x[0] + x[3];",
    problem: /16 bytes at an address that is no multiple of 16/,
  },
  reads_four_in_their_place: {
    body:
      "float x[4]; kerf_load4_f32(args.f + 4, x); if (kerf_thread() == 0) args.f[0] = x[0] + x[3];",
  },

  divides_by_nothing: {
    body: "args.b[0] = 5 / args.a[kerf_thread()];",
    problem: /a division of .* by zero/,
  },
  overflows: {
    body: "args.b[kerf_thread()] = (u32)(0x7fffffff + (i32)kerf_thread());",
    problem: /a sum of 'i(32|nt)' overflows/,
    at: [0, 1],
  },
  overflows_below: {
    body: "args.b[kerf_thread()] = (u32)(-0x7ffffffe - (i32)kerf_thread());",
    problem: /a difference of 'i(32|nt)' overflows/,
    at: [0, 3],
  },
  overflows_in_a_product: {
    body: "args.b[kerf_thread()] = (u32)(0x10000000 * (i32)kerf_thread());",
    problem: /a product of 'i(32|nt)' overflows/,
    at: [0, 8],
  },
  negates_the_least_number: {
    body: "args.b[kerf_thread()] = (u32)-(i32)(kerf_thread() << 30);",
    problem: /a negation of 'i(32|nt)' overflows/,
    at: [0, 2],
  },
  converts_what_is_too_large: {
    body: "args.b[kerf_thread()] = (u32)(i32)(1e9f * (float)kerf_thread());",
    problem: /a number of 'float' outside the range of what it is converted to/,
    at: [0, 3],
  },
  converts_what_is_no_number: {
    body: "args.b[0] = (u32)(args.f[0] / args.f[1]);",
    problem: /a number of 'float' outside the range of what it is converted to/,
  },
  computes_to_the_ends_of_its_range: {
    body: `const i32 i = (i32)kerf_thread();
    args.b[kerf_thread()] = (u32)(0x7fffffc0 + i) + (u32)(-0x7fffffc1 - i) + (u32)(0x2000000 * i) +
        (u32)-(-0x7fffffff + i) + (u32)(i32)(-0x1p25f * (float)i) + (u32)(0x1p26f * (float)i);`,
  },
  shifts_too_far: {
    body: "args.b[0] = 1u << (args.a[0] + 32);",
    problem: /a shift by 32 /,
  },
};
