/*
 * Keeps the protected rows and those of the highest scores, in ascending order; equal scores keep the lower
 * row, of the earlier head where heads share what they keep. Finds the lowest score that stays byte by byte,
 * so the work is linear in the rows.
 *
 * Generated from kernels/ops/select_rows.ts by `deno task gen`. Do not edit.
 */
#include "kerf.wgsl"

struct Params {
  layer: u32,
  n_kv_heads: u32,
  shares: u32, /* the heads of the layer choose together */
  protect_first: u32,
  protect_last: u32,
  max_rows: u32, /* rows of the longest head */
}

@group(0) @binding(0) var<storage, read> token_scores_buf: array<f32>; /* f32 [nKvHeads, max_rows] */
@group(0) @binding(1) var<storage, read> cuts_buf: array<u32>; /* u32 [nLayers, nKvHeads, 4] */
@group(0) @binding(2) var<storage, read_write> kept_buf: array<u32>; /* u32 [nKvHeads, max_rows] */
@group(0) @binding(3) var<storage, read_write> kept_counts_buf: array<u32>; /* u32 [nLayers, nKvHeads, 2] */
@group(0) @binding(4) var<uniform> params: Params;

const WORKGROUP = 256u;

var<workgroup> counts: array<atomic<u32>, 256>;
var<workgroup> known_order: u32; /* the bytes known so far of the lowest order that stays */
var<workgroup> n_left: u32; /* how many of that order's beginning stay */
var<workgroup> n_equal_before: atomic<u32>; /* rows of that order in earlier heads */
/* Rows of each thread's span: kept for sure, of the lowest order, kept of the list segment. */
var<workgroup> spans: array<vec3<u32>, WORKGROUP>;

/* The rows of one KV head that may go, and how many of them are to stay. */
struct Candidates {
  scores: u32, /* of its row 0 */
  n_rows: u32,
  begin: u32,
  end: u32,
  n_chosen: u32,
}

fn candidates_of(kv_head: u32) -> Candidates {
  let cut = 4u * (params.layer * params.n_kv_heads + kv_head);
  let n_rows = cuts_buf[cut + 1u];
  let n_protected = params.protect_first + params.protect_last;
  let scores = kv_head * params.max_rows;
  if (n_rows <= n_protected) { return Candidates(scores, n_rows, n_rows, n_rows, 0u); }
  return Candidates(scores, n_rows, params.protect_first, n_rows - params.protect_last,
      cuts_buf[cut + 2u] - n_protected);
}

fn order_at(scores: u32, row: u32) -> u32 {
  return kerf_order(token_scores_buf[scores + row]);
}

/*
 * One work group: one KV head. Finds the lowest order that stays one byte after the other; then each thread
 * has a span of rows.
 */
@compute @workgroup_size(WORKGROUP)
fn select_rows(
  @builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32) {
  let kv_head = kerf_item(group, groups);
  if (kv_head >= params.n_kv_heads) { return; }
  let first_head = select(kv_head, 0u, params.shares != 0u);
  let end_head = select(kv_head + 1u, params.n_kv_heads, params.shares != 0u);
  var n_candidates = 0u;
  var n_chosen = 0u;
  for (var head = first_head; head < end_head; head++) {
    let other = candidates_of(head);
    n_candidates += other.end - other.begin;
    n_chosen += other.n_chosen;
  }
  let chooses = n_chosen > 0u && n_chosen < n_candidates;
  if (lane == 0u) {
    /* All stay, or none does. */
    known_order = select(0xffffffffu, 0u, n_chosen > 0u);
    n_left = select(select(0u, 0xffffffffu, n_chosen > 0u), n_chosen, chooses);
    atomicStore(&n_equal_before, 0u);
  }
  var known = 0u;
  for (var byte = 0u; byte < 4u; byte++) {
    let shift = 24u - 8u * byte;
    for (var i = lane; i < 256u; i += WORKGROUP) { atomicStore(&counts[i], 0u); }
    workgroupBarrier();
    for (var head = first_head; chooses && head < end_head; head++) {
      let other = candidates_of(head);
      for (var row = other.begin + lane; row < other.end; row += WORKGROUP) {
        let own = order_at(other.scores, row);
        if ((own & known) == known_order) { atomicAdd(&counts[(own >> shift) & 255u], 1u); }
      }
    }
    workgroupBarrier();
    if (lane == 0u && chooses) {
      var value = 255u;
      for (var count = atomicLoad(&counts[value]); count < n_left;
          count = atomicLoad(&counts[value])) {
        n_left -= count;
        value--;
      }
      known_order |= value << shift;
    }
    known |= 255u << shift;
    workgroupBarrier();
  }
  let lowest = known_order;
  /* Of equal scores those of earlier heads stay. */
  for (var head = first_head; head < kv_head; head++) {
    let other = candidates_of(head);
    for (var row = other.begin + lane; row < other.end; row += WORKGROUP) {
      if (order_at(other.scores, row) == lowest) { atomicAdd(&n_equal_before, 1u); }
    }
  }
  workgroupBarrier();
  let n_equal = n_left - min(n_left, atomicLoad(&n_equal_before));

  let candidates = candidates_of(kv_head);
  let place = params.layer * params.n_kv_heads + kv_head;
  let n_listed = cuts_buf[4u * place];
  let span = (candidates.n_rows + WORKGROUP - 1u) / WORKGROUP;
  let first = min(lane * span, candidates.n_rows);
  let last = min(first + span, candidates.n_rows);
  var own = vec3<u32>(0u);
  for (var row = first; row < last; row++) {
    if (row < candidates.begin || row >= candidates.end) {
      own.x++;
    } else {
      let order = order_at(candidates.scores, row);
      own.x += u32(order > lowest);
      own.y += u32(order == lowest);
    }
  }
  spans[lane] = own;
  workgroupBarrier();
  var n_kept = 0u;
  var equal_before = 0u;
  for (var i = 0u; i < lane; i++) {
    n_kept += spans[i].x + min(spans[i].y, n_equal - min(equal_before, n_equal));
    equal_before += spans[i].y;
  }
  workgroupBarrier();
  for (var row = first; row < last; row++) {
    var stays = row < candidates.begin || row >= candidates.end;
    if (!stays) {
      let order = order_at(candidates.scores, row);
      stays = order > lowest || (order == lowest && equal_before < n_equal);
      equal_before += u32(order == lowest);
    }
    if (stays) {
      own.z += u32(row < n_listed);
      kept_buf[candidates.scores + n_kept] = row;
      n_kept++;
    }
  }
  spans[lane].z = own.z;
  workgroupBarrier();
  if (lane == WORKGROUP - 1u) {
    var listed = 0u;
    for (var i = 0u; i < WORKGROUP; i++) { listed += spans[i].z; }
    kept_counts_buf[2u * place] = listed;
    kept_counts_buf[2u * place + 1u] = n_kept;
  }
}
