#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Exchanges the named models with PyTorch through safetensors files.

  torch_roundtrip.py make DIR [--model NAME]
      writes, per model M, with fixed seeds:
        M.safetensors          state_dict under PyTorch's keys; with BatchNorm's running_mean,
                               running_var (away from 0 and 1) and num_batches_tracked (I64, shape [])
        M.inputs.safetensors   input0 [1,..], input1 [2,..], input2 [5,..]: images (C,H,W = 1,28,28 for lenet
                               and mlp, else 3,32,32) or, for gpt-tiny and gpt2, I64 tokens [T] below the
                               vocabulary (T = 24 of 32 positions, 50 tokens)
        M.outputs.safetensors  output0 .. output2 [N,10], gpt: [N,T,50]: the logits in eval mode
  torch_roundtrip.py check DIR [--model NAME]
      reads, per model M, what Ingot wrote:
        M.ingot.safetensors          weights, the same or trained further; keys beginning "train." are skipped
        M.ingot_outputs.safetensors  output0 .. output2: Ingot's logits in eval mode, for these weights and
                                     for the inputs of M.inputs.safetensors
      loads the weights (strictly: every key, dtype and shape), runs PyTorch and compares.

Prints one line per model.  Exit status of check: 0 when every output agrees within
1e-5 of its largest magnitude, 1 when not, 2 when a file is missing or malformed.
Models of images have 10 classes; gpt2 is 192 wide instead of 768; all tensors are float32 unless said.  Needs python3-torch
(1.13 or newer) and python3-numpy.
"""
import argparse
import os
import sys

try:
    import torch
    import torch.nn as nn
    import torch.nn.functional as F
except ImportError as missing:
    sys.exit("torch_roundtrip.py: needs python3-torch: %s" % missing)

import safetensors_min

TOLERANCE = 1e-5


def lenet():
    return nn.Sequential(nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
                         nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
                         nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10))


class Block(nn.Module):
    def __init__(self, cin, cout, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(cin, cout, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(cout)
        self.conv2 = nn.Conv2d(cout, cout, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(cout)
        self.short = nn.Identity() if stride == 1 and cin == cout else nn.Sequential(
            nn.Conv2d(cin, cout, 1, stride, bias=False), nn.BatchNorm2d(cout))
        self.relu = nn.ReLU()

    def forward(self, x):
        y = self.relu(self.bn1(self.conv1(x)))
        return self.relu(self.bn2(self.conv2(y)) + self.short(x))


def resnet18():
    layers = [nn.Conv2d(3, 64, 3, 1, 1, bias=False), nn.BatchNorm2d(64), nn.ReLU()]
    cin = 64
    for cout, stride in ((64, 1), (128, 2), (256, 2), (512, 2)):
        layers += [Block(cin, cout, stride), Block(cout, cout, 1)]
        cin = cout
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, 10))


def tiny_cnn():
    return nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 10))


class Mlp(nn.Sequential):
    def __init__(self):
        super().__init__(nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 256), nn.ReLU(), nn.Linear(256, 10))

    def forward(self, x):
        return super().forward(x.flatten(1))


def cifar_cnn():
    return nn.Sequential(
        nn.Conv2d(3, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.Conv2d(32, 32, 3, stride=2, padding=1),
        nn.ReLU(), nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(), nn.Conv2d(64, 64, 3, stride=2, padding=1), nn.ReLU(),
        nn.Flatten(), nn.Linear(4096, 128), nn.ReLU(), nn.Dropout(0.5), nn.Linear(128, 10))


def attend(qkv, heads):
    """Causal attention among the positions of qkv [N, T, 3 E]."""
    n, t, e = qkv.shape[0], qkv.shape[1], qkv.shape[2] // 3
    q, k, v = qkv.view(n, t, 3, heads, e // heads).permute(2, 0, 3, 1, 4)
    scores = q @ k.transpose(-2, -1) * (e // heads) ** -0.5 + torch.full((t, t), float("-inf")).triu(1)
    return (scores.softmax(-1) @ v).transpose(1, 2).reshape(n, t, e)


POSITIONS, TOKENS, VOCABULARY = 32, 24, 50


class GptTiny(nn.Module):
    class Layer(nn.Module):
        def __init__(self, dim):
            super().__init__()
            self.ln1, self.ln2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
            self.qkv, self.proj = nn.Linear(dim, 3 * dim), nn.Linear(dim, dim)
            self.up, self.down = nn.Linear(dim, 4 * dim), nn.Linear(4 * dim, dim)

        def forward(self, x):
            x = x + self.proj(attend(self.qkv(self.ln1(x)), 8))
            return x + self.down(F.gelu(self.up(self.ln2(x))))

    def __init__(self, dim=256, depth=4):
        super().__init__()
        self.tok, self.pos = nn.Embedding(VOCABULARY, dim), nn.Embedding(POSITIONS, dim)
        self.layers = nn.Sequential(*[GptTiny.Layer(dim) for _ in range(depth)])
        self.norm, self.head = nn.LayerNorm(dim), nn.Linear(dim, VOCABULARY, bias=False)

    def forward(self, ids):
        return self.head(self.norm(self.layers(self.tok(ids) + self.pos.weight[:ids.shape[1]])))


class Gpt2(nn.Module):
    class Block(nn.Module):
        def __init__(self, dim):
            super().__init__()
            self.l1, self.qkv, self.o = nn.LayerNorm(dim), nn.Linear(dim, 3 * dim), nn.Linear(dim, dim)
            self.l2 = nn.LayerNorm(dim)
            self.m = nn.Sequential(nn.Linear(dim, 4 * dim), nn.GELU(approximate="tanh"), nn.Linear(4 * dim, dim))

        def forward(self, x):
            x = x + self.o(attend(self.qkv(self.l1(x)), 12))
            return x + self.m(self.l2(x))

    def __init__(self, dim=192, depth=12):
        super().__init__()
        self.e, self.p = nn.Embedding(VOCABULARY, dim), nn.Parameter(torch.randn(POSITIONS, dim) * 0.02)
        self.b = nn.Sequential(*[Gpt2.Block(dim) for _ in range(depth)])
        self.l, self.head = nn.LayerNorm(dim), nn.Linear(dim, VOCABULARY, bias=False)
        self.head.weight = self.e.weight
        nn.init.normal_(self.e.weight, std=0.02)

    def forward(self, ids):
        return self.head(self.l(self.b(self.e(ids) + self.p[:ids.shape[1]])))


MODELS = {      # name: (model, shape of a sample; of one axis: tokens)
    "tiny-cnn": (tiny_cnn, (3, 32, 32)),
    "mlp": (Mlp, (1, 28, 28)),
    "lenet": (lenet, (1, 28, 28)),
    "cifar-cnn": (cifar_cnn, (3, 32, 32)),
    "resnet18": (resnet18, (3, 32, 32)),
    "gpt-tiny": (GptTiny, (TOKENS,)),
    "gpt2": (Gpt2, (TOKENS,)),
}


def draw(count, shape):
    if len(shape) == 1:
        return torch.randint(VOCABULARY, (count, *shape))
    return torch.randn(count, *shape)


class Malformed(Exception):
    pass


def make(name, folder):
    torch.manual_seed(20)
    build, shape = MODELS[name]
    model = build().train()
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.weight.uniform_(0.5, 1.5)
                module.bias.normal_(0.0, 0.2)
        for _ in range(3):      # moves the running statistics
            model(draw(8, shape))
        inputs = {"input%d" % i: draw(n, shape) for i, n in enumerate((1, 2, 5))}
        model.eval()
        outputs = {k.replace("input", "output"): model(x) for k, x in inputs.items()}
    at = os.path.join(folder, name)
    safetensors_min.save(at + ".safetensors", model.state_dict(), {"format": "pt"})
    safetensors_min.save(at + ".inputs.safetensors", inputs)
    safetensors_min.save(at + ".outputs.safetensors", outputs)
    print("%s: wrote %d tensors, %d outputs" % (name, len(model.state_dict()), len(outputs)))


def load_file(path):
    try:
        return safetensors_min.load(path)
    except Exception as e:
        raise Malformed("%s: %s: %s" % (path, type(e).__name__, e))


def load_weights(model, path):
    weights = {k: v for k, v in load_file(path).items() if not k.startswith("train.")}
    wanted = model.state_dict()
    wrong = ["%s is missing" % k for k in wanted if k not in weights]
    wrong += ["%s is not known" % k for k in weights if k not in wanted]
    for k, v in weights.items():
        if k in wanted and (v.dtype != wanted[k].dtype or v.shape != wanted[k].shape):
            wrong.append("%s is %s %s, not %s %s" % (k, v.dtype, list(v.shape), wanted[k].dtype,
                                                     list(wanted[k].shape)))
    if wrong:
        raise Malformed("%s: %s%s" % (path, "; ".join(wrong[:8]), "; ..." if len(wrong) > 8 else ""))
    model.load_state_dict(weights)


def check(name, folder):
    build, _ = MODELS[name]
    model, at = build(), os.path.join(folder, name)
    load_weights(model, at + ".ingot.safetensors")
    inputs = load_file(at + ".inputs.safetensors")
    theirs = load_file(at + ".ingot_outputs.safetensors")
    model.eval()
    worst = 0.0
    with torch.no_grad():
        for i in range(3):
            expected, got = model(inputs["input%d" % i]), theirs.get("output%d" % i)
            if got is None or got.dtype != expected.dtype or got.shape != expected.shape:
                raise Malformed("%s.ingot_outputs.safetensors: output%d must be F32 %s" % (at, i, list(expected.shape)))
            error = float((got - expected).abs().max() / expected.abs().max())
            # A NaN compares false with everything, so ask for what is right.
            worst = max(worst, error if error >= 0.0 else float("inf"))
    good = worst <= TOLERANCE
    print("%s: %s, largest difference %.2e of the largest output" % (name, "ok" if good else "DIFFERS", worst))
    return good


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("action", choices=("make", "check"))
    parser.add_argument("folder", metavar="DIR")
    parser.add_argument("--model", choices=sorted(MODELS), help="only this one")
    args = parser.parse_args()
    names = [args.model] if args.model else sorted(MODELS)
    if args.action == "make":
        os.makedirs(args.folder, exist_ok=True)
        for name in names:
            make(name, args.folder)
        return 0
    try:
        return 0 if all([check(name, args.folder) for name in names]) else 1
    except Malformed as e:
        print("torch_roundtrip.py: error: %s" % e, file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
