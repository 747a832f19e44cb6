"""Writes kvpress/*.json: the rows that kvpress' presses keep of two prompts on the default model. Needs
`pip install kvpress==0.5.5 gguf==0.19.0` and the model's GGUF; run it from its folder:
python3 make_kvpress.py SmolLM2-135M-Instruct.Q4_1.gguf

Rows are read off the compressed cache itself: a kept key is found among the uncompressed ones by its bits.
Presses run as published, in f32, but for one change that `pyramidkv` notes. `gaps` says how clear each cut
is: (lowest kept score − highest removed one) / |lowest kept|, over rows that are no press' own to protect.
"""

import hashlib
import json
import os
import sys
from pathlib import Path

import torch
from kvpress import (
    ExpectedAttentionPress,
    KeyDiffPress,
    KnormPress,
    PyramidKVPress,
    SnapKVPress,
    StreamingLLMPress,
    TOVAPress,
)
from transformers import AutoModelForCausalLM, DynamicCache

PROMPTS = ["moby-515", "chat-summary"]
BUDGET, WINDOW, POOL, SINKS = 128, 32, 5, 4
# kvpress gives every layer the same unless the last one's share, budget / 20, holds the window.
PYRAMID, PYRAMID_WINDOW = 192, 8


class WindowBesideShare(PyramidKVPress):
    """The window on top of a layer's share, as in the method's own code; kvpress counts it inside."""

    def get_layer_budget(self, module, q_len):
        return super().get_layer_budget(module, q_len) + self.window_size


def share(rows, n):
    """The ratio that keeps so many of n: half a row more, so that no rounding takes one away."""
    return 1 - (rows + 0.5) / n


# Variant of kernels/prune/, its spec, the press for a prompt's length, rows protected at both ends.
METHODS = [
    ("snapkv", f"budget={BUDGET},window={WINDOW},pool={POOL},average=1",
     lambda n: SnapKVPress(share(BUDGET, n), WINDOW, POOL), (0, WINDOW)),
    ("key_norm", f"budget={BUDGET}", lambda n: KnormPress(share(BUDGET, n)), (0, 0)),
    ("tova", f"budget={BUDGET}", lambda n: TOVAPress(share(BUDGET, n)), (0, 1)),
    ("key_diff", f"budget={BUDGET}", lambda n: KeyDiffPress(share(BUDGET, n)), (0, 0)),
    ("expected_attention", f"budget={BUDGET}",
     lambda n: ExpectedAttentionPress(share(BUDGET, n)), (SINKS, 0)),
    ("streaming", f"budget={BUDGET},sinks={SINKS}",
     lambda n: StreamingLLMPress(share(BUDGET, n), SINKS), (0, 0)),
    ("pyramidkv",
     f"budget={PYRAMID + PYRAMID_WINDOW},window={PYRAMID_WINDOW},pool={POOL},average=1",
     lambda n: WindowBesideShare(1 - PYRAMID / n, PYRAMID_WINDOW, POOL), (0, PYRAMID_WINDOW)),
]


def watch(press, rows):
    """Notes, per layer, the scores and the uncompressed keys that a press sees and the keys it leaves."""
    score, compress = press.score, press.compress

    def noted_score(*args, **kwargs):
        scores = score(*args, **kwargs)
        rows.append({"scores": scores[0].clone()})
        return scores

    def noted_compress(module, hidden, keys, values, attentions, kwargs):
        before = keys[0].clone()
        after = compress(module, hidden, keys, values, attentions, kwargs)
        rows[-1] |= {"before": before, "after": after[0][0].clone()}
        return after

    press.score, press.compress = noted_score, noted_compress


def kept_rows(before, after):
    """The places of `after`'s keys among `before`'s: [nHeads][nKept], ascending."""
    same = (after[:, :, None, :] == before[:, None, :, :]).all(-1)
    assert bool((same.sum(-1) == 1).all()), "two rows have one key"
    return same.int().argmax(-1).sort(-1).values.tolist()


def gap(scores, kept, spans):
    """How clear a head's cut is; None where every candidate stays or all of a kind tie."""
    first, last = spans
    candidates = range(first, len(scores) - last)
    inside = [scores[i].item() for i in candidates if i in kept]
    outside = [scores[i].item() for i in candidates if i not in kept]
    return (min(inside) - max(outside)) / abs(min(inside)) if inside and outside else None


def ranges(rows):
    """`0-3 17 20-31`"""
    runs = []
    for row in rows:
        if runs and row == runs[-1][1] + 1:
            runs[-1][1] = row
        else:
            runs.append([row, row])
    return " ".join(str(a) if a == b else f"{a}-{b}" for a, b in runs)


def run(model, ids, make, spans):
    press = make(len(ids))
    rows = []
    watch(press, rows)
    with torch.no_grad(), press(model):
        model(torch.tensor([ids]), past_key_values=DynamicCache())
    kept = [kept_rows(row["before"], row["after"]) for row in rows]
    gaps = [
        [gap(row["scores"][h], set(heads[h]), spans) for h in range(len(heads))]
        for row, heads in zip(rows, kept)
    ]
    return kept, gaps


def main():
    path = Path(sys.argv[1])
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    model = AutoModelForCausalLM.from_pretrained(
        str(path.parent), gguf_file=path.name, dtype=torch.float32, attn_implementation="sdpa"
    ).eval()
    items = json.loads(Path("reference/think.json").read_text())["items"]
    prompts = {item["name"]: item["prompt_ids"] for item in items if item["name"] in PROMPTS}
    os.makedirs("kvpress", exist_ok=True)
    for name, spec, make, spans in METHODS:
        header = {"kvpress": "0.5.5", "model_sha256": digest, "spec": f"{name}:{spec}"}
        lines = []
        for prompt in PROMPTS:
            kept, gaps = run(model, prompts[prompt], make, spans)
            lines.append({
                "prompt": prompt,
                "kept": [[ranges(rows) for rows in heads] for heads in kept],
                "gaps": [[g and float(f"{g:.3g}") for g in heads] for heads in gaps],
            })
            clear = sorted(g for heads in gaps for g in heads if g is not None)
            print(name, prompt, "smallest gaps", clear[:5])
        head = json.dumps(header, indent=1)[:-2]
        body = ",\n  ".join(json.dumps(line, separators=(",", ":")) for line in lines)
        Path(f"kvpress/{name}.json").write_text(f'{head},\n "items": [\n  {body}\n ]\n}}\n')


main()
