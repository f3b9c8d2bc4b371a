#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The PyTorch side of the example: reads ingot.safetensors and ingot.npz, writes torch.safetensors and torch.npz.

The two functions are all there is to safetensors; with the package of that name, load_file and save_file do the same.
"""
import json
import struct
import sys

import numpy as np
import torch
from torch import nn

TYPES = {"F32": np.float32, "F64": np.float64, "I64": np.int64}


def load(path):
    with open(path, "rb") as file:
        blob = file.read()
    start = 8 + struct.unpack("<Q", blob[:8])[0]
    tensors = {}
    for name, entry in json.loads(blob[8:start]).items():
        if name != "__metadata__":
            first, end = entry["data_offsets"]
            array = np.frombuffer(blob[start + first:start + end], TYPES[entry["dtype"]]).reshape(entry["shape"])
            tensors[name] = torch.from_numpy(array.copy())
    return tensors


def save(path, tensors):
    header, data = {}, b""
    for name, tensor in tensors.items():
        array = tensor.detach().numpy()
        kind = next(kind for kind, numpy_type in TYPES.items() if array.dtype == numpy_type)
        header[name] = {"dtype": kind, "shape": list(array.shape), "data_offsets": [len(data), len(data) + array.nbytes]}
        data += array.tobytes()
    text = json.dumps(header).encode()
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)


model = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
                      nn.Linear(8 * 6 * 6, 32), nn.GELU(), nn.LayerNorm(32), nn.Linear(32, 4))
model.load_state_dict(load("ingot.safetensors"))  # the same names, the same layouts: nothing to convert
given = np.load("ingot.npz")
x, y = torch.from_numpy(given["x"]), torch.from_numpy(given["y"])

model.eval()
with torch.no_grad():
    difference = float((model(x) - torch.from_numpy(given["out"])).abs().max())
print("there: outputs agree with Ingot's to %.1e" % difference)
if difference > 1e-5:
    sys.exit("the outputs differ")

model.train()
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
for _ in range(5):
    optimizer.zero_grad()
    nn.functional.cross_entropy(model(x), y).backward()
    optimizer.step()
model.eval()
with torch.no_grad():
    np.savez("torch.npz", out=model(x).numpy())
save("torch.safetensors", model.state_dict())
