# SPDX-License-Identifier: MIT
"""Golden values of further layers, activations and losses, with second gradients; see make_golden.py."""
from golden_base import Golden, run_layer

import torch
import torch.nn.functional as F

STEPS = 3


def second(g, at, x, loss_gradient, kinks=False):
    """u and ddx, the gradient of sum(u * dx) in x; zeros where dx does not depend on x. kinks: not in row 0, where dx jumps."""
    u = g.randn(*x.shape)
    if kinks:
        u[0] = 0.0
    try:
        ddx = None
        if loss_gradient.requires_grad:
            ddx = torch.autograd.grad(torch.sum(u * loss_gradient), x, allow_unused=True)[0]
    except RuntimeError as missing:
        if "not implemented" not in str(missing):
            raise
        return      # hardsigmoid and hardswish, in this version
    g.put(at + "u", u)
    g.put(at + "ddx", torch.zeros_like(x) if ddx is None else ddx)


def build_layers():
    g = Golden(11)

    def draw(*shape):
        return [g.randn(*shape) for _ in range(STEPS)]

    def layer(name, call, shape, params, twice=False):
        run_layer(g, name, call, draw(*shape), params, twice)

    def w(*shape):
        return g.randn(*shape, scale=0.3)

    layer("conv1d", lambda x, weight, bias: F.conv1d(x, weight, bias), (2, 3, 8), dict(weight=w(4, 3, 3), bias=g.randn(4)))
    layer("conv1d.options", lambda x, weight: F.conv1d(x, weight, None, 2, 2, 2, 2), (2, 4, 9), dict(weight=w(6, 2, 3)))
    layer("conv_transpose1d", lambda x, weight, bias: F.conv_transpose1d(x, weight, bias), (2, 3, 5),
          dict(weight=w(3, 4, 3), bias=g.randn(4)))
    layer("conv_transpose1d.options", lambda x, weight: F.conv_transpose1d(x, weight, None, 3, 1, 2, 2, 2), (2, 4, 5),
          dict(weight=w(4, 3, 4)))
    layer("conv_transpose2d", lambda x, weight, bias: F.conv_transpose2d(x, weight, bias), (2, 3, 4, 5),
          dict(weight=w(3, 4, 3, 2), bias=g.randn(4)))
    layer("conv_transpose2d.options",
          lambda x, weight, bias: F.conv_transpose2d(x, weight, bias, (2, 3), (1, 2), (1, 2), 2, (2, 1)), (2, 4, 4, 3),
          dict(weight=w(4, 3, 3, 4), bias=g.randn(6)))

    def pool(name, call, *shape):
        run_layer(g, name, call, draw(*shape), {})

    pool("adaptive_avg_pool2d.even", lambda x: F.adaptive_avg_pool2d(x, (2, 3)), 2, 2, 6, 6)
    pool("adaptive_avg_pool2d.uneven", lambda x: F.adaptive_avg_pool2d(x, (3, 4)), 2, 2, 7, 6)
    pool("adaptive_max_pool2d.even", lambda x: F.adaptive_max_pool2d(x, (2, 3)), 2, 2, 6, 6)
    pool("adaptive_max_pool2d.uneven", lambda x: F.adaptive_max_pool2d(x, (3, 4)), 2, 2, 7, 6)
    run_layer(g, "adaptive_max_pool2d.ties", lambda x: F.adaptive_max_pool2d(x, (2, 3)),
              [g.randint(3, 2, 2, 5, 7).to(Golden.dtype) for _ in range(STEPS)], {})
    pool("adaptive_avg_pool1d", lambda x: F.adaptive_avg_pool1d(x, 3), 2, 3, 8)
    pool("adaptive_max_pool1d", lambda x: F.adaptive_max_pool1d(x, 3), 2, 3, 8)
    pool("max_pool1d", lambda x: F.max_pool1d(x, 3, 2, 1), 2, 3, 8)
    pool("avg_pool1d", lambda x: F.avg_pool1d(x, 3, 2, 1, count_include_pad=False), 2, 3, 8)

    def norm(*shape):
        return 1.0 + g.randn(*shape, scale=0.3)

    layer("group_norm", lambda x, weight, bias: F.group_norm(x, 2, weight, bias), (3, 4, 3, 2),
          dict(weight=norm(4), bias=g.randn(4)), True)
    layer("group_norm.plain", lambda x: F.group_norm(x, 3, eps=1e-3), (2, 12), {}, True)
    layer("instance_norm", lambda x, weight, bias: F.instance_norm(x, weight=weight, bias=bias), (2, 3, 4, 3),
          dict(weight=norm(3), bias=g.randn(3)), True)
    layer("instance_norm.1d", lambda x: F.instance_norm(x, eps=1e-3), (2, 3, 5), {}, True)

    def rms(axes, eps):
        return lambda x, weight: x * torch.rsqrt((x * x).mean(axes, keepdim=True) + eps) * weight

    layer("rms_norm", rms((-1,), torch.finfo(torch.float32).eps), (4, 6), dict(weight=norm(6)), True)
    layer("rms_norm.2d", rms((-2, -1), 1e-2), (3, 2, 5), dict(weight=norm(2, 5)), True)
    layer("prelu", lambda x, weight: F.prelu(x, weight), (2, 3, 4), dict(weight=g.rand(3)))
    layer("prelu.one", lambda x, weight: F.prelu(x, weight), (2, 3), dict(weight=g.rand(1)))
    return g


ACTIVATIONS = {
    "elu.1.5": lambda x: F.elu(x, 1.5),
    "selu": F.selu,
    "celu": F.celu,
    "celu.0.5": lambda x: F.celu(x, 0.5),
    "softplus.2": lambda x: F.softplus(x, 2.0),
    "softsign": F.softsign,
    "hardtanh": F.hardtanh,
    "hardtanh.range": lambda x: F.hardtanh(x, -0.5, 2.0),
    "relu6": F.relu6,
    "hardsigmoid": F.hardsigmoid,
    "hardswish": F.hardswish,
    "mish": F.mish,
    "logsigmoid": F.logsigmoid,
    "tanhshrink": F.tanhshrink,
    "gelu.tanh": lambda x: F.gelu(x, approximate="tanh"),
    "glu": lambda x: F.glu(x, -1),
    "glu.dim0": lambda x: F.glu(x, 0),
    "softmin": lambda x: F.softmin(x, -1),
    "log_softmax": lambda x: F.log_softmax(x, -1),
    "log_softmax.dim0": lambda x: F.log_softmax(x, 0),
}


def build_activations_more():
    g = Golden(12)
    for t in range(STEPS):
        x0 = g.randn(4, 8, scale=2.0)
        if t == 0:      # the kinks, and both ends
            x0[0] = torch.tensor([0.0, 1.0, -1.0, 3.0, -3.0, 6.0, 25.0, -25.0], dtype=Golden.dtype)
        g.put("step%d/x" % t, x0)
        for name, call in ACTIVATIONS.items():
            x = x0.clone().requires_grad_()
            y = call(x)
            at = "%s/step%d/" % (name, t)
            dy = g.randn(*y.shape)
            dx, = torch.autograd.grad(y, x, dy, create_graph=True)
            for key, value in (("y", y), ("dy", dy), ("dx", dx)):
                g.put(at + key, value)
            second(g, at, x, dx, kinks=t == 0)
    return g


CLASS_WEIGHT = torch.tensor([0.5, 2.0, 1.0, 0.0, 3.0])
CLASS_LOSSES = {
    "cross_entropy.weight": lambda x, y, w: F.cross_entropy(x, y, w),
    "cross_entropy.weight_sum": lambda x, y, w: F.cross_entropy(x, y, w, reduction="sum"),
    "cross_entropy.weight_none": lambda x, y, w: F.cross_entropy(x, y, w, reduction="none"),
    "cross_entropy.weight_smoothing": lambda x, y, w: F.cross_entropy(x, y, w, label_smoothing=0.2),
    "cross_entropy.weight_smoothing_sum": lambda x, y, w: F.cross_entropy(x, y, w, label_smoothing=0.2,
                                                                          reduction="sum"),
    "nll.weight": lambda x, y, w: F.nll_loss(F.log_softmax(x, 1), y, w),
    "nll": lambda x, y, w: F.nll_loss(F.log_softmax(x, 1), y),
}
VALUE_LOSSES = {
    "huber": lambda x, y: F.huber_loss(x, y),
    "huber.0.5": lambda x, y: F.huber_loss(x, y, delta=0.5),
    "huber.sum": lambda x, y: F.huber_loss(x, y, reduction="sum", delta=2.0),
    "smooth_l1": lambda x, y: F.smooth_l1_loss(x, y),
    "smooth_l1.0.5": lambda x, y: F.smooth_l1_loss(x, y, beta=0.5, reduction="sum"),
    "smooth_l1.0": lambda x, y: F.smooth_l1_loss(x, y, beta=0.0),
}
PROBABILITY_LOSSES = {
    "bce.mean": lambda x, y: F.binary_cross_entropy(x, y),
    "bce.sum": lambda x, y: F.binary_cross_entropy(x, y, reduction="sum"),
}
DIVERGENCES = {
    "kl_div.mean": lambda x, y: F.kl_div(x, y, reduction="mean"),
    "kl_div.sum": lambda x, y: F.kl_div(x, y, reduction="sum"),
    "kl_div.batch_mean": lambda x, y: F.kl_div(x, y, reduction="batchmean"),
    "kl_div.log_target": lambda x, y: F.kl_div(x, torch.log(y + 0.1), reduction="mean", log_target=True),
}


def build_losses_more():
    g = Golden(13)

    def run(kind, losses, x0, target, *more):
        for t in range(STEPS):
            g.put("%s/step%d/x" % (kind, t), x0[t])
            g.put("%s/step%d/target" % (kind, t), target[t])
            for name, call in losses.items():
                x = x0[t].clone().requires_grad_()
                value = call(x, target[t], *more)
                dx, = torch.autograd.grad(value.sum(), x, create_graph=True)
                at = "%s/step%d/" % (name, t)
                g.put(at + "value", value)
                g.put(at + "dx", dx)
                second(g, at, x, dx)

    weight = CLASS_WEIGHT.to(Golden.dtype)
    g.put("weight", weight)
    labels = [g.randint(5, 6) for _ in range(STEPS)]
    for t, y in enumerate(labels):
        y[t] = -100
    run("classes", CLASS_LOSSES, [g.randn(6, 5, scale=2.0) for _ in range(STEPS)], labels, weight)
    dense = [g.randint(5, 2, 3, 2) for _ in range(STEPS)]
    run("pixels", {"cross_entropy.weight_pixels": lambda x, y, w: F.cross_entropy(x, y, w)},
        [g.randn(2, 5, 3, 2) for _ in range(STEPS)], dense, weight)
    run("values", VALUE_LOSSES, [g.randn(4, 3) for _ in range(STEPS)], [g.randn(4, 3) for _ in range(STEPS)])
    probabilities = [g.rand(4, 3) for _ in range(STEPS)]
    run("probabilities", PROBABILITY_LOSSES, probabilities, [g.rand(4, 3) for _ in range(STEPS)])
    divergence_target = [F.softmax(g.randn(4, 5), 1) for _ in range(STEPS)]
    divergence_target[0][0, 0] = 0.0        # 0 log 0
    run("divergence", DIVERGENCES, [F.log_softmax(g.randn(4, 5), 1) for _ in range(STEPS)], divergence_target)
    signs = [2 * g.randint(2, 5) - 1 for _ in range(STEPS)]
    other = [g.randn(5, 4) for _ in range(STEPS)]
    for t in range(STEPS):
        g.put("cosine/step%d/other" % t, other[t])
    state = {"t": -1}

    def cosine(x, y, margin):
        return F.cosine_embedding_loss(x, other[state["t"]], y, margin=margin)

    vectors = [g.randn(5, 4) for _ in range(STEPS)]
    for t in range(STEPS):
        state["t"] = t
        for name, margin in (("cosine_embedding", 0.0), ("cosine_embedding.0.3", 0.3)):
            x = vectors[t].clone().requires_grad_()
            value = cosine(x, signs[t], margin)
            dx, = torch.autograd.grad(value, x, create_graph=True)
            at = "%s/step%d/" % (name, t)
            g.put(at + "value", value)
            g.put(at + "dx", dx)
            second(g, at, x, dx)
        g.put("cosine/step%d/x" % t, vectors[t])
        g.put("cosine/step%d/target" % t, signs[t])
    run("hinge", {"hinge_embedding": lambda x, y: F.hinge_embedding_loss(x, y),
                  "hinge_embedding.0.4": lambda x, y: F.hinge_embedding_loss(x, y, margin=0.4, reduction="sum")},
        [g.randn(5) for _ in range(STEPS)], signs)
    return g
