# SPDX-License-Identifier: MIT
"""Golden values of transformer layers; see make_golden.py."""
from golden_base import Golden

import torch
import torch.nn as nn

STEPS = 3


def build_attention():
    g = Golden(9)

    def parameters(name, module):
        """Draws the module's parameters; the norms' weights about 1."""
        module = module.to(Golden.dtype)
        with torch.no_grad():
            for key, p in module.named_parameters():
                p.copy_(g.randn(*p.shape, scale=0.3) + (1.0 if "norm" in key and key.endswith("weight") else 0.0))
                g.put("%s/%s" % (name, key), p)
        return module

    def step(name, t, module, inputs, call):
        """y, dy and all gradients for one forward and backward; inputs: {name: tensor}."""
        leaves = {k: v.clone().requires_grad_(v.is_floating_point()) for k, v in inputs.items()}
        module.zero_grad()
        y = call(**leaves)
        dy = g.randn(*y.shape)
        y.backward(dy)
        at = "%s/step%d/" % (name, t)
        for key, leaf in leaves.items():
            g.put(at + key, leaf if leaf.dtype != torch.bool else leaf.to(torch.uint8))
            if leaf.grad is not None:
                g.put(at + "d" + key, leaf.grad)
        g.put(at + "y", y)
        g.put(at + "dy", dy)
        for key, p in module.named_parameters():
            g.put(at + "d" + key, p.grad)

    causal = torch.ones(5, 5, dtype=torch.bool).triu(1)
    for name, options, mask in (("multihead", {}, None), ("multihead.no_bias", dict(bias=False), None),
                                ("multihead.causal", {}, causal)):
        m = parameters(name, nn.MultiheadAttention(8, 2, batch_first=True, **options))
        for t in range(STEPS):
            step(name, t, m, dict(x=g.randn(2, 5, 8)), lambda x: m(x, x, x, attn_mask=mask)[0])
    m = parameters("multihead.cross", nn.MultiheadAttention(8, 2, batch_first=True))
    for t in range(STEPS):
        # True hides a key in PyTorch's module; what is stored is true where a key may be seen.
        seen = g.rand(4, 6) < 0.6
        seen[:, t] = True
        step("multihead.cross", t, m, dict(query=g.randn(2, 4, 8), key=g.randn(2, 6, 8), value=g.randn(2, 6, 8), mask=seen),
             lambda query, key, value, mask: m(query, key, value, attn_mask=~mask)[0])

    for name, options in (("encoder", {}), ("encoder.norm_first", dict(norm_first=True, activation="gelu")),
                          ("encoder.causal", dict(layer_norm_eps=1e-3))):
        layer = parameters(name, nn.TransformerEncoderLayer(8, 2, dim_feedforward=12, dropout=0.0, batch_first=True,
                                                            **options))
        mask = causal if name == "encoder.causal" else None
        for t in range(STEPS):
            step(name, t, layer, dict(x=g.randn(2, 5, 8)), lambda x: layer(x, src_mask=mask))
    return g
