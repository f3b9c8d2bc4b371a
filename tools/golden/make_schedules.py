#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Makes tests/golden/schedules.safetensors with PyTorch: the rates of every learning-rate schedule.

  /usr/bin/python3 tools/golden/make_schedules.py            write the file
  /usr/bin/python3 tools/golden/make_schedules.py --check    recompute and compare, write nothing

Needs Debian 12's python3-torch (1.13). tests/golden/README.md lists the keys.
"""
import os
import sys
import warnings

import torch
from torch.optim import lr_scheduler as s

import safetensors_min

PATH = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tests", "golden", "schedules.safetensors")
STEPS = 40
BASE = (0.1, 0.02)  # two groups

SCHEDULES = {
    "step": lambda o: s.StepLR(o, step_size=7, gamma=0.3),
    "multi_step": lambda o: s.MultiStepLR(o, milestones=[3, 10, 10, 25], gamma=0.5),
    "exponential": lambda o: s.ExponentialLR(o, gamma=0.9),
    "constant": lambda o: s.ConstantLR(o, factor=0.25, total_iters=6),
    "linear": lambda o: s.LinearLR(o, start_factor=0.1, total_iters=8),
    "linear.down": lambda o: s.LinearLR(o, start_factor=1.0, end_factor=0.0, total_iters=20),
    "polynomial": lambda o: s.PolynomialLR(o, total_iters=30, power=2.0),
    "polynomial.linear": lambda o: s.PolynomialLR(o, total_iters=39),
    "cosine": lambda o: s.CosineAnnealingLR(o, T_max=39, eta_min=0.001),
    "cosine.again": lambda o: s.CosineAnnealingLR(o, T_max=9),
    "restarts": lambda o: s.CosineAnnealingWarmRestarts(o, T_0=7, eta_min=0.002),
    "restarts.longer": lambda o: s.CosineAnnealingWarmRestarts(o, T_0=5, T_mult=2),
    "one_cycle": lambda o: s.OneCycleLR(o, max_lr=[0.1, 0.02], total_steps=STEPS, cycle_momentum=False),
    "one_cycle.linear": lambda o: s.OneCycleLR(o, max_lr=0.5, total_steps=STEPS, pct_start=0.25, anneal_strategy="linear",
                                               div_factor=10, final_div_factor=100, cycle_momentum=False),
    "one_cycle.three": lambda o: s.OneCycleLR(o, max_lr=0.5, total_steps=STEPS, three_phase=True, cycle_momentum=False),
    "sequential": lambda o: s.SequentialLR(o, [s.LinearLR(o, start_factor=0.2, total_iters=5),
                                               s.CosineAnnealingLR(o, T_max=20), s.ExponentialLR(o, gamma=0.8)],
                                           milestones=[5, 25]),
    "chained": lambda o: s.ChainedScheduler([s.LinearLR(o, start_factor=0.2, total_iters=5),
                                             s.ExponentialLR(o, gamma=0.9), s.StepLR(o, step_size=10, gamma=0.5)]),
}
PLATEAUS = {
    "plateau": dict(factor=0.5, patience=2),
    "plateau.cooldown": dict(factor=0.2, patience=1, cooldown=3, min_lr=0.001),
    "plateau.absolute": dict(factor=0.5, patience=2, threshold=0.05, threshold_mode="abs"),
    "plateau.max": dict(mode="max", factor=0.5, patience=3, threshold=0.01),
}


def optimizer():
    return torch.optim.SGD([{"params": [torch.zeros(1, requires_grad=True)], "lr": lr} for lr in BASE], lr=1.0)


def rates(o):
    return [group["lr"] for group in o.param_groups]


def build():
    out = {}
    for name, make in SCHEDULES.items():
        o = optimizer()
        scheduler = make(o)
        rows = [rates(o)]
        for _ in range(STEPS - 1):
            o.step()
            scheduler.step()
            rows.append(rates(o))
        out[name] = torch.tensor(rows, dtype=torch.float64)
    # A metric that falls, stalls, rises and falls again.
    metric = [1 / (1 + t) if t < 8 else 0.125 + 0.002 * (t % 5) if t < 30 else 0.2 - 0.004 * (t - 30)
              for t in range(STEPS - 1)]
    out["metric"] = torch.tensor(metric, dtype=torch.float64)
    for name, options in PLATEAUS.items():
        o = optimizer()
        scheduler = s.ReduceLROnPlateau(o, **options)
        rows = [rates(o)]
        for value in metric:
            scheduler.step(value)
            rows.append(rates(o))
        out[name] = torch.tensor(rows, dtype=torch.float64)
    return out


def main():
    warnings.simplefilter("ignore")
    made = build()
    if "--check" not in sys.argv[1:]:
        safetensors_min.save(PATH, made, {"torch": torch.__version__})
        return 0
    stored = safetensors_min.load(PATH)
    same = stored.keys() == made.keys() and all(torch.equal(made[k], stored[k]) for k in made)
    print("schedules", "ok" if same else "DIFFERS")
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
