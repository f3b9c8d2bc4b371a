#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Makes the golden values under tests/golden/ with PyTorch.

  /usr/bin/python3 tools/golden/make_golden.py             write the files
  /usr/bin/python3 tools/golden/make_golden.py --check     recompute, compare with the files (1e-5), write nothing
  /usr/bin/python3 tools/golden/make_golden.py --precision print how far the float32 values are from float64's

Needs Debian 12's python3-torch (1.13) and python3-numpy only.  Seeds are fixed, one
thread, and the portable code paths of ATen and OpenBLAS are selected, so that
running it again gives the same bytes.  Each build_* function makes one file;
tests/golden/README.md lists every file and key.
"""
import argparse
import math
import os
import sys

from golden_base import Golden, STEPS, run_layer  # before torch: it sets its environment

import torch
import torch.nn as nn
import torch.nn.functional as F

import safetensors_min
from golden_attention import build_attention
from golden_layers import build_activations_more, build_layers, build_losses_more
from golden_optim import build_lbfgs, build_lbfgs_f64, build_optimizers, build_optimizers_f64

DIR = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tests", "golden")


# --------------------------------------------------------------------- layers

def build_linear_conv():
    g = Golden(2)

    def draw(*shape):
        return [g.randn(*shape) for _ in range(STEPS)]

    run_layer(g, "linear", F.linear, draw(4, 5), dict(weight=g.randn(3, 5), bias=g.randn(3)))
    run_layer(g, "linear.3d", F.linear, draw(2, 3, 5), dict(weight=g.randn(4, 5), bias=g.randn(4)))
    run_layer(g, "linear.no_bias", F.linear, draw(4, 5), dict(weight=g.randn(3, 5)))
    convs = {       # name: (input shape, out channels, kernel, options)
        "conv2d.basic": ((2, 3, 6, 5), 4, (3, 3), dict()),
        "conv2d.no_bias": ((2, 3, 6, 5), 4, (3, 3), dict(padding=1)),
        "conv2d.padding": ((2, 3, 5, 6), 4, (3, 3), dict(padding=1)),
        "conv2d.stride": ((2, 3, 7, 6), 4, (3, 3), dict(stride=2, padding=1)),
        "conv2d.dilation": ((2, 3, 7, 6), 4, (3, 3), dict(dilation=2, padding=2)),
        "conv2d.groups": ((2, 4, 5, 6), 6, (3, 3), dict(groups=2, padding=1)),
        "conv2d.depthwise": ((2, 4, 6, 6), 8, (3, 3), dict(groups=4, stride=2, padding=1)),
        "conv2d.pointwise": ((2, 3, 6, 5), 4, (1, 1), dict(stride=2)),
        "conv2d.asymmetric": ((2, 3, 7, 6), 4, (3, 2), dict(stride=(2, 1), padding=(1, 0), dilation=(1, 2))),
    }
    for name, (shape, out, kernel, options) in convs.items():
        g.metadata[name] = "kernel=%s %s" % (kernel, " ".join("%s=%s" % o for o in options.items()))
        params = dict(weight=g.randn(out, shape[1] // options.get("groups", 1), *kernel, scale=0.3))
        if name != "conv2d.no_bias":
            params["bias"] = g.randn(out)
        call = lambda x, weight, bias=None: F.conv2d(x, weight, bias, **options)
        run_layer(g, name, call, draw(*shape), params)
    return g


def build_pool_embedding():
    g = Golden(3)

    def draw(*shape):
        return [g.randn(*shape) for _ in range(STEPS)]

    def negative(*shape):
        return [-0.1 - x.abs() for x in draw(*shape)]

    def ties(*shape):
        return [g.randint(3, *shape).to(Golden.dtype) for _ in range(STEPS)]

    pools = {       # name: (call, inputs, kernel, options)
        "max_pool2d.basic": (F.max_pool2d, draw(2, 2, 6, 4), 2, dict()),
        "max_pool2d.stride": (F.max_pool2d, draw(2, 2, 7, 6), 3, dict(stride=2)),
        "max_pool2d.padding": (F.max_pool2d, negative(2, 2, 6, 5), 3, dict(stride=2, padding=1)),
        "max_pool2d.ties": (F.max_pool2d, ties(2, 2, 6, 6), 3, dict(stride=2, padding=1)),
        "avg_pool2d.basic": (F.avg_pool2d, draw(2, 2, 6, 4), 2, dict()),
        "avg_pool2d.stride": (F.avg_pool2d, draw(2, 2, 7, 6), 3, dict(stride=2)),
        "avg_pool2d.padding": (F.avg_pool2d, draw(2, 2, 6, 5), 3, dict(stride=2, padding=1)),
        "avg_pool2d.exclude_pad": (F.avg_pool2d, draw(2, 2, 6, 5), 3,
                                   dict(stride=2, padding=1, count_include_pad=False)),
    }
    for name, (call, inputs, kernel, options) in pools.items():
        g.metadata[name] = "kernel=%d %s" % (kernel, " ".join("%s=%s" % o for o in options.items()))
        run_layer(g, name, lambda x: call(x, kernel, **options), inputs, {})
    run_layer(g, "adaptive_avg_pool2d.1", lambda x: F.adaptive_avg_pool2d(x, 1), draw(2, 3, 4, 5), {})
    ids = [g.randint(7, 2, 5) for _ in range(STEPS)]
    run_layer(g, "embedding", lambda x, weight: F.embedding(x, weight), ids, dict(weight=g.randn(7, 4)))
    return g


def build_norm():
    g = Golden(4)

    def batch_norm(name, shape, momentum=0.1, eps=1e-5):
        g.metadata[name] = "momentum=%g eps=%g" % (momentum, eps)
        channels = shape[1]
        weight, bias = 1.0 + g.randn(channels, scale=0.3), g.randn(channels)
        mean, var = torch.zeros(channels, dtype=Golden.dtype), torch.ones(channels, dtype=Golden.dtype)
        g.put(name + "/weight", weight)
        g.put(name + "/bias", bias)

        def step(at, x, training):
            leaves = [t.clone().requires_grad_() for t in (x, weight, bias)]
            y = F.batch_norm(leaves[0], mean, var, leaves[1], leaves[2], training, momentum, eps)
            dy = g.randn(*shape)
            y.backward(dy)
            for key, value in zip(("x", "y", "dy", "dx", "dweight", "dbias"),
                                  (x, y, dy, *(leaf.grad for leaf in leaves))):
                g.put(at + key, value)

        for t in range(STEPS):
            step("%s/step%d/" % (name, t), g.randn(*shape, scale=2.0) + 0.5 * t, True)
            g.put("%s/step%d/running_mean" % (name, t), mean)
            g.put("%s/step%d/running_var" % (name, t), var)
        step(name + "/eval/", g.randn(*shape, scale=2.0) + 1.0, False)

    batch_norm("batch_norm1d", (8, 4))
    batch_norm("batch_norm1d.3d", (4, 3, 5))
    batch_norm("batch_norm2d", (4, 3, 5, 5))
    batch_norm("batch_norm2d.options", (2, 3, 4, 3), momentum=0.3, eps=1e-3)
    for name, shape, inner in (("layer_norm", (4, 3, 6), (6,)), ("layer_norm.2d", (4, 3, 6), (3, 6))):
        g.metadata[name] = "normalized_shape=%s eps=1e-05" % (inner,)
        inputs = [g.randn(*shape, scale=2.0) + 0.5 * t for t in range(STEPS)]
        run_layer(g, name, lambda x, weight, bias: F.layer_norm(x, inner, weight, bias), inputs,
                  dict(weight=1.0 + g.randn(*inner, scale=0.3), bias=g.randn(*inner)))
    return g


ACTIVATIONS = {
    "relu": F.relu,
    "leaky_relu": F.leaky_relu,
    "leaky_relu.0.2": lambda x: F.leaky_relu(x, 0.2),
    "elu": F.elu,
    "gelu": F.gelu,
    "gelu.tanh": lambda x: F.gelu(x, approximate="tanh"),
    "silu": F.silu,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "softplus": F.softplus,
    "softmax": lambda x: F.softmax(x, -1),
    "softmax.dim0": lambda x: F.softmax(x, 0),
    "log_softmax": lambda x: F.log_softmax(x, -1),
}


def build_activations():
    g = Golden(5)
    inputs = [g.randn(4, 7, scale=2.0) for _ in range(STEPS)]
    inputs[0][0, :3] = torch.tensor([0.0, 30.0, -30.0], dtype=Golden.dtype)    # the kink and both ends
    upstream = [g.randn(4, 7) for _ in range(STEPS)]
    for t in range(STEPS):
        g.put("step%d/x" % t, inputs[t])
        g.put("step%d/dy" % t, upstream[t])
        for name, call in ACTIVATIONS.items():
            x = inputs[t].clone().requires_grad_()
            y = call(x)
            y.backward(upstream[t])
            g.put("%s/step%d/y" % (name, t), y)
            g.put("%s/step%d/dx" % (name, t), x.grad)
    return g


# --------------------------------------------------------------------- losses

CLASS_LOSSES = {
    "cross_entropy.mean": lambda x, y: F.cross_entropy(x, y),
    "cross_entropy.sum": lambda x, y: F.cross_entropy(x, y, reduction="sum"),
    "cross_entropy.none": lambda x, y: F.cross_entropy(x, y, reduction="none"),
    "cross_entropy.label_smoothing": lambda x, y: F.cross_entropy(x, y, label_smoothing=0.1),
    "cross_entropy.label_smoothing_sum": lambda x, y: F.cross_entropy(x, y, label_smoothing=0.1, reduction="sum"),
    "nll": lambda x, y: F.nll_loss(F.log_softmax(x, -1), y),
}
IGNORE_LOSSES = {
    "cross_entropy.ignore_index": lambda x, y: F.cross_entropy(x, y),
    "cross_entropy.ignore_index_sum": lambda x, y: F.cross_entropy(x, y, reduction="sum"),
    "cross_entropy.ignore_index_smoothing": lambda x, y: F.cross_entropy(x, y, label_smoothing=0.1),
}
VALUE_LOSSES = {
    "mse.mean": lambda x, y: F.mse_loss(x, y),
    "mse.sum": lambda x, y: F.mse_loss(x, y, reduction="sum"),
    "l1.mean": lambda x, y: F.l1_loss(x, y),
    "l1.sum": lambda x, y: F.l1_loss(x, y, reduction="sum"),
    "smooth_l1": lambda x, y: F.smooth_l1_loss(x, y),
    "huber.0.5": lambda x, y: F.huber_loss(x, y, delta=0.5),
}
BINARY_LOSSES = {
    "bce_with_logits.mean": lambda x, y: F.binary_cross_entropy_with_logits(x, y),
    "bce_with_logits.sum": lambda x, y: F.binary_cross_entropy_with_logits(x, y, reduction="sum"),
}


def build_losses():
    g = Golden(6)

    def run(losses, inputs, targets, kind):
        for t in range(STEPS):
            g.put("%s/step%d/x" % (kind, t), inputs[t])
            g.put("%s/step%d/target" % (kind, t), targets[t])
            for name, call in losses.items():
                x = inputs[t].clone().requires_grad_()
                value = call(x, targets[t])
                value.sum().backward()
                g.put("%s/step%d/value" % (name, t), value)
                g.put("%s/step%d/dx" % (name, t), x.grad)

    logits = [g.randn(6, 5, scale=3.0) for _ in range(STEPS)]
    logits[0][0, 0] = 60.0      # far beyond the others: the stable form is needed
    labels = [g.randint(5, 6) for _ in range(STEPS)]
    ignored = [y.clone() for y in labels]
    for t, y in enumerate(ignored):
        y[t % 6] = y[(t + 2) % 6] = -100
    run(CLASS_LOSSES, logits, labels, "classes")
    run(IGNORE_LOSSES, logits, ignored, "ignored")
    run(VALUE_LOSSES, [g.randn(4, 3) for _ in range(STEPS)], [g.randn(4, 3) for _ in range(STEPS)], "values")
    run(BINARY_LOSSES, [g.randn(4, 3, scale=4.0) for _ in range(STEPS)], [g.rand(4, 3) for _ in range(STEPS)],
        "binary")
    return g


# ------------------------------------------------------------------- training

def build_training():
    g = Golden(7)

    def run(name, model, shape, classes, batch, optimizer):
        with torch.no_grad():
            for key, value in model.state_dict().items():
                if key.endswith("weight") or key.endswith("bias"):
                    norm = value.dim() == 1 and key.endswith("weight")
                    value.copy_(g.randn(*value.shape, scale=0.3) + (1.0 if norm else 0.0))
        model = model.to(Golden.dtype).train()
        for key, value in model.state_dict().items():
            g.put("%s/init/%s" % (name, key), value)
        opt, losses = optimizer(model.parameters()), []
        for t in range(STEPS):
            x, y = g.randn(batch, *shape), g.randint(classes, batch)
            g.put("%s/step%d/x" % (name, t), x)
            g.put("%s/step%d/y" % (name, t), y)
            opt.zero_grad()
            loss = F.cross_entropy(model(x), y)
            loss.backward()
            opt.step()
            losses.append(loss.detach())
        g.put(name + "/losses", torch.stack(losses))
        for key, value in model.state_dict().items():
            g.put("%s/final/%s" % (name, key), value)
        with torch.no_grad():
            x = g.randn(batch, *shape)
            g.put(name + "/eval/x", x)
            g.put(name + "/eval/y", model.eval()(x))

    run("mlp", nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 4)), (8,), 4, 12,
        lambda p: torch.optim.Adam(p, lr=0.01))
    run("cnn", nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2),
                             nn.Flatten(), nn.Linear(64, 3)), (1, 8, 8), 3, 6,
        lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9))
    return g


# ------------------------------------------------------------- initialisation

def build_init():
    """Bounds and standard deviations, as torch passes them to uniform_ and normal_.

    Defaults: Linear and Conv2d draw weights from kaiming_uniform(a=sqrt(5)), whose
    bound is sqrt(2 / (1 + 5)) * sqrt(3 / fan_in) = 1 / sqrt(fan_in), and biases from
    uniform(-1 / sqrt(fan_in), 1 / sqrt(fan_in)).  fan_in is in, or in / groups * kh * kw.
    BatchNorm and LayerNorm start at weight 1, bias 0; Embedding at normal(0, 1).
    """
    g, seen = Golden(8), []
    uniform, normal = torch.Tensor.uniform_, torch.Tensor.normal_

    def spy_uniform(self, low=0.0, high=1.0, **_):
        assert low == -high
        seen.append(high)
        return uniform(self, low, high, generator=g.generator)

    def spy_normal(self, mean=0.0, std=1.0, **_):
        assert mean == 0.0
        seen.append(std)
        return normal(self, mean, std, generator=g.generator)

    def put(names, call):
        seen.clear()
        call()
        assert len(seen) == len(names), (names, seen)
        for name, value in zip(names, seen):
            g.put(name, torch.tensor(value, dtype=Golden.dtype))

    torch.Tensor.uniform_, torch.Tensor.normal_ = spy_uniform, spy_normal
    try:
        for name, layer in (("linear/30x20", lambda: nn.Linear(20, 30)), ("linear/10x784", lambda: nn.Linear(784, 10)),
                            ("conv2d/8x3x3x3", lambda: nn.Conv2d(3, 8, 3)),
                            ("conv2d.groups2/8x2x5x3", lambda: nn.Conv2d(4, 8, (5, 3), groups=2))):
            put(["default/%s/weight_bound" % name, "default/%s/bias_bound" % name], layer)
        put(["default/embedding/7x4/weight_std"], lambda: nn.Embedding(7, 4))
        for shape in ((30, 20), (10, 784), (8, 3, 3, 3), (6, 4, 5, 3)):
            w, at = torch.empty(shape), "x".join(map(str, shape))
            for gain_name, gain in (("1", 1.0), ("relu", nn.init.calculate_gain("relu")),
                                    ("tanh", nn.init.calculate_gain("tanh"))):
                put(["xavier_uniform/gain_%s/%s/bound" % (gain_name, at)], lambda: nn.init.xavier_uniform_(w, gain))
                put(["xavier_normal/gain_%s/%s/std" % (gain_name, at)], lambda: nn.init.xavier_normal_(w, gain))
            for mode in ("fan_in", "fan_out"):
                for label, a, nonlinearity in (("relu", 0, "relu"), ("leaky_relu_0.2", 0.2, "leaky_relu"),
                                               ("leaky_relu_sqrt5", math.sqrt(5), "leaky_relu"),
                                               ("linear", 0, "linear"), ("tanh", 0, "tanh")):
                    at2 = "%s/%s/%s" % (mode, label, at)
                    put(["kaiming_uniform/%s/bound" % at2],
                        lambda: nn.init.kaiming_uniform_(w, a, mode, nonlinearity))
                    put(["kaiming_normal/%s/std" % at2], lambda: nn.init.kaiming_normal_(w, a, mode, nonlinearity))
    finally:
        torch.Tensor.uniform_, torch.Tensor.normal_ = uniform, normal
    for label, param in (("linear", None), ("sigmoid", None), ("tanh", None), ("relu", None), ("leaky_relu", 0.01),
                         ("leaky_relu", 0.2)):
        key = "gain/" + label + ("" if param is None else "_%g" % param)
        g.put(key, torch.tensor(float(nn.init.calculate_gain(label, param)), dtype=Golden.dtype))
    return g


FILES = {
    "optimizers": build_optimizers,
    "optimizers_f64": build_optimizers_f64,
    "lbfgs": build_lbfgs,
    "lbfgs_f64": build_lbfgs_f64,
    "linear_conv": build_linear_conv,
    "pool_embedding": build_pool_embedding,
    "norm": build_norm,
    "activations": build_activations,
    "losses": build_losses,
    "training": build_training,
    "init": build_init,
    "attention": build_attention,
    "layers": build_layers,
    "activations_more": build_activations_more,
    "losses_more": build_losses_more,
}


def deviation(a, b):
    """Largest difference relative to the larger of 1 and the largest magnitude."""
    if a.numel() == 0:
        return 0.0
    a, b = a.double(), b.double()
    return float((a - b).abs().max() / max(1.0, float(b.abs().max())))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", default=DIR, help="folder of the files")
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--check", action="store_true")
    mode.add_argument("--precision", action="store_true")
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.backends.mkldnn.enabled = False       # its kernels differ between CPUs
    torch.use_deterministic_algorithms(True)
    failed = False
    for name, build in FILES.items():
        Golden.dtype = torch.float32
        golden = build()
        path = os.path.join(args.out, name + ".safetensors")
        if args.precision:
            Golden.dtype = torch.float64
            exact = build().tensors
            worst = max(golden.tensors, key=lambda k: deviation(golden.tensors[k], exact[k]))
            print("%-15s %.1e (%s)" % (name, deviation(golden.tensors[worst], exact[worst]), worst))
        elif args.check:
            stored = safetensors_min.load(path)
            same = (stored.keys() == golden.tensors.keys() and all(
                v.dtype == stored[k].dtype and v.shape == stored[k].shape and deviation(v, stored[k]) <= 1e-5
                for k, v in golden.tensors.items()))
            print("%-15s %s" % (name, "ok" if same else "DIFFERS"))
            failed |= not same
        else:
            golden.metadata["torch"] = torch.__version__
            safetensors_min.save(path, golden.tensors, golden.metadata)
            print("%-15s %5d tensors %7d bytes" % (name, len(golden.tensors), os.path.getsize(path)))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
