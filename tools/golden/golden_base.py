# SPDX-License-Identifier: MIT
"""What the makers of golden values share: torch on code paths that do not depend on the CPU, and named tensors."""
import os

# Read by ATen and OpenBLAS when torch is loaded: the paths that do not depend on the CPU.
os.environ.update(ATEN_CPU_CAPABILITY="default", OPENBLAS_CORETYPE="NEHALEM", OMP_NUM_THREADS="1",
                  OPENBLAS_NUM_THREADS="1")

import torch

STEPS = 10


class Golden:
    """Collects named tensors; draws random ones in float32 from its own generator."""

    dtype = torch.float32       # --precision recomputes in float64, from the same float32 inputs

    def __init__(self, seed):
        self.tensors, self.metadata = {}, {}
        self.generator = torch.Generator().manual_seed(seed)

    def put(self, name, tensor):
        assert name not in self.tensors, name
        self.tensors[name] = tensor.detach().clone()

    def randn(self, *shape, scale=1.0):
        return (torch.randn(shape, generator=self.generator) * scale).to(Golden.dtype)

    def rand(self, *shape):
        return torch.rand(shape, generator=self.generator).to(Golden.dtype)

    def randint(self, high, *shape):
        return torch.randint(high, shape, generator=self.generator)


def run_layer(g, name, call, inputs, params, second=False):
    """Per step: x, y, dy, dx, and the gradient of every parameter.  inputs: one tensor per step.  second: also u and ddx, the
    gradient of sum(u * dx) in x."""
    for key, p in params.items():
        g.put("%s/%s" % (name, key), p)
    for t, x in enumerate(inputs):
        x = x.clone().requires_grad_(x.is_floating_point())
        leaves = {k: p.clone().requires_grad_() for k, p in params.items()}
        y = call(x, **leaves)
        dy = g.randn(*y.shape)
        gradients = torch.autograd.grad(y, [v for v in (x, *leaves.values()) if v.requires_grad], dy, create_graph=second)
        gradients = dict(zip([k for k, v in (("x", x), *leaves.items()) if v.requires_grad], gradients))
        at = "%s/step%d/" % (name, t)
        g.put(at + "x", x)
        g.put(at + "y", y)
        g.put(at + "dy", dy)
        for k, gradient in gradients.items():
            g.put(at + "d" + k, gradient)
        if second:
            u = g.randn(*x.shape)
            g.put(at + "u", u)
            g.put(at + "ddx", torch.autograd.grad(torch.sum(u * gradients["x"]), x)[0])
