# SPDX-License-Identifier: MIT
"""Golden values of optimizers; see make_golden.py.  Lion and Muon are not in PyTorch 1.13: theirs are computed here, in NumPy, as
their papers say."""
from golden_base import Golden, STEPS

import numpy as np
import torch
import torch.nn as nn


class Reference:
    """An optimizer with PyTorch's interface whose steps are done in NumPy, by update(p, g, state, options, t), in place."""

    def __init__(self, params, foreach=False, **options):
        self.params = list(params)
        self.defaults = dict(type(self).options, **options)
        self.state, self.steps = [{} for _ in self.params], 0

    def step(self):
        self.steps += 1
        for p, state in zip(self.params, self.state):
            p.data.copy_(torch.from_numpy(
                np.asarray(self.update(p.detach().numpy(), p.grad.numpy(), state, self.defaults, self.steps))))


class Lion(Reference):
    """Chen et al. 2023, algorithm 2."""
    options = dict(lr=1e-4, betas=(0.9, 0.99), weight_decay=0.0)

    def update(self, p, g, state, o, t):
        m, (b1, b2) = state.get("m", np.zeros_like(p)), o["betas"]
        c = np.sign(b1 * m + (1 - b1) * g)
        state["m"] = b2 * m + (1 - b2) * g
        return p - o["lr"] * (c + o["weight_decay"] * p)


class Muon(Reference):
    """Jordan et al. 2024 for matrices; AdamW, at its own rate, for the rest."""
    options = dict(lr=0.02, momentum=0.95, nesterov=True, ns_steps=5, weight_decay=0.0, adamw_lr=3e-4, betas=(0.9, 0.95),
                   eps=1e-8)

    def update(self, p, g, state, o, t):
        if p.ndim < 2:
            lr, (b1, b2) = o["adamw_lr"], o["betas"]
            state["m"] = b1 * state.get("m", np.zeros_like(p)) + (1 - b1) * g
            state["v"] = b2 * state.get("v", np.zeros_like(p)) + (1 - b2) * g * g
            step = state["m"] / (1 - b1 ** t) / (np.sqrt(state["v"] / (1 - b2 ** t)) + o["eps"])
            return p * (1 - lr * o["weight_decay"]) - lr * step
        state["b"] = o["momentum"] * state.get("b", np.zeros_like(p)) + g
        u = g + o["momentum"] * state["b"] if o["nesterov"] else state["b"]
        u = u.reshape(u.shape[0], -1)
        x = u.T if u.shape[0] > u.shape[1] else u
        x = x / (np.sqrt(np.sum(x * x)) + 1e-7)
        for _ in range(o["ns_steps"]):
            a = x @ x.T
            x = 3.4445 * x + (-4.7750 * a + 2.0315 * a @ a) @ x
        x = x.T if u.shape[0] > u.shape[1] else x
        scale = max(1.0, u.shape[0] / u.shape[1]) ** 0.5
        return p * (1 - o["lr"] * o["weight_decay"]) - o["lr"] * scale * x.reshape(p.shape)


SHAPES = ((5, 3), (5,))
OPTIMIZERS = {
    "sgd.plain": (torch.optim.SGD, dict(lr=0.1)),
    "sgd.weight_decay": (torch.optim.SGD, dict(lr=0.1, weight_decay=0.05)),
    "sgd.momentum": (torch.optim.SGD, dict(lr=0.1, momentum=0.9)),
    "sgd.dampening": (torch.optim.SGD, dict(lr=0.1, momentum=0.9, dampening=0.3, weight_decay=0.05)),
    "sgd.nesterov": (torch.optim.SGD, dict(lr=0.1, momentum=0.9, weight_decay=0.05, nesterov=True)),
    "adam.default": (torch.optim.Adam, dict()),
    "adam.options": (torch.optim.Adam, dict(lr=0.02, betas=(0.8, 0.95), eps=1e-3)),
    "adam.weight_decay": (torch.optim.Adam, dict(lr=0.01, weight_decay=0.1)),
    "adamw.default": (torch.optim.AdamW, dict()),
    "adamw.weight_decay": (torch.optim.AdamW, dict(lr=0.01, weight_decay=0.1)),
    "rmsprop.default": (torch.optim.RMSprop, dict()),
    "rmsprop.momentum": (torch.optim.RMSprop, dict(lr=0.01, alpha=0.9, momentum=0.9, weight_decay=0.05)),
    "rmsprop.centered": (torch.optim.RMSprop, dict(lr=0.01, centered=True)),
    "adagrad.default": (torch.optim.Adagrad, dict()),
    "adadelta.default": (torch.optim.Adadelta, dict()),
    "nadam.default": (torch.optim.NAdam, dict()),
    "rmsprop.both": (torch.optim.RMSprop, dict(lr=0.02, alpha=0.8, eps=1e-3, momentum=0.5, centered=True)),
    "adagrad.options": (torch.optim.Adagrad, dict(lr=0.1, lr_decay=0.2, weight_decay=0.05,
                                                  initial_accumulator_value=0.3, eps=1e-3)),
    "adadelta.options": (torch.optim.Adadelta, dict(lr=0.5, rho=0.7, eps=1e-3, weight_decay=0.05)),
    "nadam.options": (torch.optim.NAdam, dict(lr=0.02, betas=(0.8, 0.95), eps=1e-3, weight_decay=0.05,
                                              momentum_decay=0.1)),
    "adamax.default": (torch.optim.Adamax, dict()),
    "adamax.options": (torch.optim.Adamax, dict(lr=0.02, betas=(0.8, 0.95), eps=1e-3, weight_decay=0.05)),
    "radam.default": (torch.optim.RAdam, dict()),
    "radam.options": (torch.optim.RAdam, dict(lr=0.02, betas=(0.8, 0.9), eps=1e-3, weight_decay=0.05)),
    "lion.default": (Lion, dict()),
    "lion.options": (Lion, dict(lr=0.01, betas=(0.8, 0.95), weight_decay=0.1)),
    "muon.default": (Muon, dict()),
    "muon.options": (Muon, dict(lr=0.05, momentum=0.8, nesterov=False, ns_steps=3, weight_decay=0.1, adamw_lr=0.01,
                                betas=(0.8, 0.9), eps=1e-3)),
}


def build_optimizers():
    g = Golden(1)
    init = [g.randn(*s) for s in SHAPES]
    grads = [[g.randn(*s) for s in SHAPES] for _ in range(STEPS)]
    for i, p in enumerate(init):
        g.put("init/param%d" % i, p)
        for t in range(STEPS):
            g.put("grads/param%d/step%d" % (i, t), grads[t][i])

    def run(name, cls, options, groups=None, before=None):
        params = [nn.Parameter(p.clone()) for p in init]
        # NAdam's other path multiplies by one mu too many in this version.
        opt = cls(groups(params) if groups else params, foreach=cls is torch.optim.NAdam, **options)
        g.metadata[name] = " ".join("%s=%s" % (k, v) for k, v in opt.defaults.items())
        for t in range(STEPS):
            for p, grad in zip(params, grads[t]):
                p.grad = grad.clone()
            if before:
                before(t, opt, params)
            opt.step()
            for i, p in enumerate(params):
                g.put("%s/param%d/step%d" % (name, i, t), p)

    for name, (cls, options) in OPTIMIZERS.items():
        run(name, cls, options)
    two_rates = lambda p: [dict(params=[p[0]]), dict(params=[p[1]], lr=0.01, weight_decay=0.0)]
    run("groups.sgd", torch.optim.SGD, dict(lr=0.1, momentum=0.9, weight_decay=0.05), two_rates)
    run("groups.adam", torch.optim.Adam, dict(lr=0.05, weight_decay=0.05), two_rates)

    def new_rate(t, opt, params):
        opt.param_groups[0]["lr"] = 0.1 if t < 4 else 0.02

    run("set_lr.sgd", torch.optim.SGD, dict(lr=0.1, momentum=0.9), before=new_rate)
    run("set_lr.adam", torch.optim.Adam, dict(lr=0.1), before=new_rate)

    def clip(t, opt, params):
        # Even steps are far above the limit, odd ones below it: those must stay as they are.
        for i, p in enumerate(params):
            p.grad *= 1.0 if t % 2 == 0 else 0.125
            g.put("clip/before/param%d/step%d" % (i, t), p.grad)
        g.put("clip/norm/step%d" % t, torch.nn.utils.clip_grad_norm_(params, 1.0))
        for i, p in enumerate(params):
            g.put("clip/after/param%d/step%d" % (i, t), p.grad)

    run("clip.sgd", torch.optim.SGD, dict(lr=0.1, momentum=0.9), before=clip)
    return g


def build_optimizers_f64():
    """The same with parameters, gradients and state in float64."""
    before = Golden.dtype, torch.get_default_dtype()
    Golden.dtype = torch.float64
    torch.set_default_dtype(torch.float64)      # NAdam keeps a product in it
    try:
        return build_optimizers()
    finally:
        Golden.dtype = before[0]
        torch.set_default_dtype(before[1])


def rosenbrock(a, b):
    """Of the elements of a [2,2] and b [2] as one vector x: sum of 100 (x[i+1] - x[i]^2)^2 + (1 - x[i])^2."""
    x = torch.cat([a.flatten(), b])
    return torch.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def bowl(a, b):
    """A convex function: sum of (i + 1) (x[i] - i / 2)^2 + x[i]^4 / 10."""
    x, i = torch.cat([a.flatten(), b]), torch.arange(6, dtype=a.dtype)
    return torch.sum((i + 1) * (x - i / 2) ** 2 + x ** 4 / 10)


LBFGS = {
    "wolfe": (rosenbrock, dict(line_search_fn="strong_wolfe", max_iter=4)),
    "wolfe.short_memory": (rosenbrock, dict(line_search_fn="strong_wolfe", max_iter=4, history_size=3, lr=0.5)),
    "wolfe.bowl": (bowl, dict(line_search_fn="strong_wolfe", max_iter=2, lr=10)),
    "fixed": (bowl, dict(lr=0.1, max_iter=3)),
    "fixed.one": (bowl, dict(lr=0.2, max_iter=1)),
}


def build_lbfgs():
    g = Golden(10)
    init = [g.randn(2, 2), g.randn(2)]
    for i, p in enumerate(init):
        g.put("init/param%d" % i, p)
    for name, (function, options) in LBFGS.items():
        params = [nn.Parameter(p.clone()) for p in init]
        opt = torch.optim.LBFGS(params, **options)
        g.metadata[name] = " ".join("%s=%s" % o for o in options.items())
        for t in range(STEPS):
            def closure():
                opt.zero_grad()
                loss = function(*params)
                loss.backward()
                return loss
            g.put("%s/loss/step%d" % (name, t), opt.step(closure))
            for i, p in enumerate(params):
                g.put("%s/param%d/step%d" % (name, i, t), p)
            g.put("%s/evaluations/step%d" % (name, t), torch.tensor(opt.state[params[0]]["func_evals"]))
    return g


def build_lbfgs_f64():
    before = Golden.dtype
    Golden.dtype = torch.float64
    try:
        return build_lbfgs()
    finally:
        Golden.dtype = before
