#!/usr/bin/env bash
# Proves Kerf on a Linux machine (x86-64) with an NVIDIA GPU and no network, in minutes. Two steps:
#
#   bench/gpu.sh bundle DIR     here: makes a folder of at most 60 MiB with all that is needed, no model
#   DIR/gpu.sh [OUT]            there: checks every kernel, measures, leaves JSON in OUT (default: results)
#
# `bench/gpu.sh [--tiny] [OUT]` in a checkout does the second step with the Deno of this machine; --tiny
# does everything once in little, for KERF_CUDA=emulated.
#
# The bundle holds the compiler too (NVRTC, half of it): code for the very GPU that is met, whatever it is,
# with what its driver optimises, and kernels that `verify` renders. Machine code made beforehand would be
# smaller and know a few architectures. An older driver than NVRTC's needs an nvcc of its own age, which is
# used where it is.
set -euo pipefail

readonly LIMIT_BYTES=$((60 * 1024 * 1024))
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

fail() {
  echo "error: $1" >&2
  [ $# -lt 2 ] || echo "hint: $2" >&2
  exit 1
}

# Programs shrink by a twentieth more when jumps are made absolute first (--x86); a smaller dictionary
# than the file would cost as much.
compress_program() { xz --x86 --lzma2=preset=6,dict=64MiB -c; }

bundle() {
  [ $# -eq 1 ] || fail "Cannot make a bundle: no folder is named" "bench/gpu.sh bundle DIR"
  local root cache deno nvrtc
  root=$(dirname "$here")
  mkdir -p "$1"
  local dir
  dir=$(cd "$1" && pwd)
  cd "$root"
  [ "$(uname -sm)" = "Linux x86_64" ] || fail "Cannot make a bundle: it holds this machine's programs, and needs Linux on x86-64"
  deno=$(deno eval --quiet 'console.log(Deno.execPath())')
  cache=${KERF_CACHE:-.cache}
  nvrtc=$(echo "$cache"/nvrtc/*/libnvrtc.so.*)
  [ -f "$nvrtc" ] || fail "Cannot make a bundle: NVRTC is not installed" "deno task setup cuda"
  [ -d node_modules/.deno ] || fail "Cannot make a bundle: npm's packages are not installed" "deno install"

  if [ ! "$dir/deno.xz" -nt "$deno" ]; then
    echo "compressing Deno (a minute or two)"
    compress_program <"$deno" >"$dir/part"
    mv "$dir/part" "$dir/deno.xz"
  fi
  if [ ! "$dir/nvrtc.tar.xz" -nt "$nvrtc" ]; then
    echo "compressing NVRTC (a minute or two)"
    tar -C "$cache" -c nvrtc | compress_program >"$dir/part"
    mv "$dir/part" "$dir/nvrtc.tar.xz"
  fi
  check_size "$dir"/{deno,nvrtc.tar}.xz
  # tar ends with 1 where a running Deno touches its lock in node_modules.
  { tar --warning=no-file-changed --exclude='*_test.ts' --exclude='*.map' --exclude='node_modules/.deno/nunjucks@*/node_modules/nunjucks/browser' \
    -c deno.json deno.lock LICENSE src kernels templates generated bench node_modules || [ $? -eq 1 ]; } |
    xz -6 -c >"$dir/kerf.tar.xz"
  git rev-parse --short HEAD >"$dir/commit" 2>/dev/null || echo unknown >"$dir/commit"
  cp "$here/gpu.sh" "$dir/gpu.sh"
  check_size "$dir"/{deno.xz,nvrtc.tar.xz,kerf.tar.xz,commit,gpu.sh}
}

check_size() {
  local bytes
  bytes=$(cat "$@" | wc -c)
  echo "$bytes bytes of $LIMIT_BYTES"
  [ "$bytes" -le "$LIMIT_BYTES" ] || fail "The bundle is too large: it has $bytes bytes, and may have $LIMIT_BYTES"
}

# Unpacks the bundle beside itself; sets `deno` and `root`.
unpack() {
  local into=$here/unpacked
  root=$into/kerf
  deno=$into/deno
  # All that is written stays in this folder.
  export KERF_CACHE=$into/cache DENO_DIR=$into/deno_dir
  [ "$into/complete" -nt "$here/kerf.tar.xz" ] && return
  rm -rf "$into"
  [ "$(uname -sm)" = "Linux x86_64" ] || fail "Cannot run here: the bundle is for Linux on x86-64"
  command -v xz >/dev/null || fail "Cannot unpack: xz is not installed" "apt-get install xz-utils"
  mkdir -p "$root" "$KERF_CACHE"
  xz -dc "$here/deno.xz" >"$deno"
  chmod +x "$deno"
  tar -C "$KERF_CACHE" -xJf "$here/nvrtc.tar.xz"
  tar -C "$root" -xJf "$here/kerf.tar.xz"
  touch "$into/complete"
}

run() {
  local sizes=() names=()
  if [ "${1:-}" = "--tiny" ]; then
    # One attention and one pruning variant reach every kernel of a cache.
    sizes=(--tiny)
    names=(causal think --quick)
    shift
  fi
  local out=${1:-results} commit root deno
  mkdir -p "$out"
  out=$(cd "$out" && pwd)
  # Toolkits leave nvcc off the PATH.
  export DENO_NO_UPDATE_CHECK=1 PATH=$PATH:/usr/local/cuda/bin
  if [ -f "$here/deno.xz" ]; then
    unpack
    commit=$(cat "$here/commit")
  else
    root=$(dirname "$here")
    deno=$(command -v deno) || fail "Cannot run: Deno is not on the PATH" "bench/gpu.sh bundle DIR, where it is"
    commit=$(git -C "$root" rev-parse --short HEAD 2>/dev/null || echo unknown)
  fi
  cd "$root"

  # First, because `verify` is content with emulated CUDA where there is no GPU.
  echo "== the GPU"
  "$deno" run --quiet -A --cached-only bench/gpu/main.ts --device cuda --open

  echo "== every variant's kernels against the author's functions"
  local status=0
  "$deno" run --quiet -A --cached-only src/cli/verify.ts \
    verify "${names[@]}" --device cuda --json >"$out/verify.json" || status=$?
  [ -s "$out/verify.json" ] || fail "verify ended without a result, with exit code $status"
  echo "== copy, decode attention, models end to end"
  "$deno" run --quiet -A --cached-only bench/gpu/main.ts \
    --device cuda "${sizes[@]}" --commit "$commit" --out "$out/gpu.json" || status=$?
  [ "$status" -eq 0 ] || fail "something failed: $out/verify.json names each kernel, $out/gpu.json what ended it"
  echo "all passed: $out/verify.json, $out/gpu.json"
}

case ${1:-} in
  bundle) bundle "${@:2}" ;;
  -h | --help) sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}" ;;
  *) run "$@" ;;
esac
