/*
 * Keeps the protected rows and those of the highest scores, in ascending order; equal scores keep the lower
 * row. Finds the lowest score that stays byte by byte, so the work is linear in the rows.
 *
 * Generated from kernels/ops/select_rows.ts by `deno task gen`. Do not edit.
 */
#include "kerf.wgsl"

struct Params {
  layer: u32,
  n_kv_heads: u32,
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
/* Rows of each thread's span: kept for sure, of the lowest order, kept of the list segment. */
var<workgroup> spans: array<vec3<u32>, WORKGROUP>;

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
  let place = params.layer * params.n_kv_heads + kv_head;
  let n_listed = cuts_buf[4u * place];
  let n_rows = cuts_buf[4u * place + 1u];
  let keep = cuts_buf[4u * place + 2u];
  let scores = kv_head * params.max_rows;
  let keeps_all = keep >= n_rows;
  let begin = params.protect_first;
  let end = select(n_rows - params.protect_last, begin, keeps_all);
  let n_chosen = select(keep - params.protect_first - params.protect_last, 0u, keeps_all);

  if (lane == 0u) {
    known_order = 0u;
    n_left = n_chosen;
  }
  var known = 0u;
  for (var byte = 0u; byte < 4u; byte++) {
    let shift = 24u - 8u * byte;
    for (var i = lane; i < 256u; i += WORKGROUP) { atomicStore(&counts[i], 0u); }
    workgroupBarrier();
    for (var row = begin + lane; row < end; row += WORKGROUP) {
      let own = kerf_order(token_scores_buf[scores + row]);
      if ((own & known) == known_order) { atomicAdd(&counts[(own >> shift) & 255u], 1u); }
    }
    workgroupBarrier();
    if (lane == 0u && n_chosen > 0u) {
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
  let lowest = select(0xffffffffu, known_order, n_chosen > 0u);
  let n_equal = select(0u, n_left, n_chosen > 0u);

  let span = (n_rows + WORKGROUP - 1u) / WORKGROUP;
  let first = min(lane * span, n_rows);
  let last = min(first + span, n_rows);
  var own = vec3<u32>(0u);
  for (var row = first; row < last; row++) {
    if (row < begin || row >= end) {
      own.x++;
    } else {
      let order = kerf_order(token_scores_buf[scores + row]);
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
    var stays = row < begin || row >= end;
    if (!stays) {
      let order = kerf_order(token_scores_buf[scores + row]);
      stays = order > lowest || (order == lowest && equal_before < n_equal);
      equal_before += u32(order == lowest);
    }
    if (stays) {
      own.z += u32(row < n_listed);
      kept_buf[scores + n_kept] = row;
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
