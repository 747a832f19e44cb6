"""Writes storage.json: random blocks of every storage type Kerf reads, and their values by the Python
package gguf (pip install gguf==0.19.0 numpy). Run it from its folder: python3 make_storage.py

Every byte of a block is random except the halves that scale it, which are random finite halves; some are
zero, negative or subnormal. Values are f32, written as their bits in hexadecimal, little-endian.
"""

import json

import numpy as np
from gguf import GGMLQuantizationType as T
from gguf.quants import GGML_QUANT_SIZES, dequantize

N_BLOCKS = 12
# Byte offsets of the half-precision scales in a block.
HALVES = {
    "Q8_0": [0], "Q4_0": [0], "Q4_1": [0, 2], "Q5_0": [0], "Q5_1": [0, 2],
    "Q4_K": [0, 2], "Q5_K": [0, 2], "Q6_K": [208],
}
PLAIN = ["F32", "F16", "BF16"]
PLAIN_VALUES = 64


def random_halves(rng, n):
    halves = rng.normal(0, 0.05, n).astype(np.float16)
    halves[0] = 0
    halves[1] = np.float16(3e-7)  # subnormal
    halves[2] = -np.abs(halves[2])
    return halves


def blocks_of(name, rng):
    if name in PLAIN:
        values = rng.normal(0, 1, PLAIN_VALUES).astype(np.float32)
        values[:4] = [0, -0.0, 1e-6, -65504]
        if name == "F32":
            return values.view(np.uint8)
        if name == "F16":
            return values.astype(np.float16).view(np.uint8)
        return (values.view(np.uint32) >> 16).astype(np.uint16).view(np.uint8)
    _, block_bytes = GGML_QUANT_SIZES[T[name]]
    blocks = rng.integers(0, 256, (N_BLOCKS, block_bytes), dtype=np.uint8)
    for at in HALVES[name]:
        blocks[:, at:at + 2] = random_halves(rng, N_BLOCKS).view(np.uint8).reshape(-1, 2)
    return blocks.reshape(-1)


def main():
    rng = np.random.default_rng(20260101)
    types = {}
    for name in PLAIN + list(HALVES):
        data = blocks_of(name, rng)
        with np.errstate(over="ignore"):
            values = dequantize(data.reshape(1, -1), T[name]).astype("<f4").reshape(-1)
        types[name] = {"bytes": data.tobytes().hex(), "values": values.tobytes().hex()}
    with open("storage.json", "w") as file:
        json.dump({"made_by": "make_storage.py, gguf 0.19.0", "types": types}, file, indent=1)
        file.write("\n")


main()
