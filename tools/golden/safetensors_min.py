# SPDX-License-Identifier: MIT
"""A minimal safetensors reader and writer for torch tensors.

Used by make_golden.py and torch_roundtrip.py, so that they need nothing but
PyTorch and NumPy.  Format: 8-byte little-endian header length, JSON header
(padded with spaces to a multiple of 8), raw little-endian data.
"""
import json
import struct

import torch

DTYPES = {"F32": torch.float32, "F64": torch.float64, "I64": torch.int64, "I32": torch.int32, "U8": torch.uint8}
NAMES = {v: k for k, v in DTYPES.items()}


def save(path, tensors, metadata=None):
    """Write {name: tensor}; the same input always gives the same bytes."""
    header, chunks, offset = {}, [], 0
    if metadata:
        header["__metadata__"] = {k: str(metadata[k]) for k in sorted(metadata)}
    for name in sorted(tensors):
        t = tensors[name].detach().contiguous()
        data = t.numpy().tobytes()
        header[name] = {"dtype": NAMES[t.dtype], "shape": list(t.shape), "data_offsets": [offset, offset + len(data)]}
        chunks.append(data)
        offset += len(data)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + b"".join(chunks))


def load(path):
    """Read {name: tensor}; any malformed header raises."""
    with open(path, "rb") as f:
        blob = f.read()
    (size,) = struct.unpack_from("<Q", blob)
    header, data, tensors = json.loads(blob[8:8 + size]), blob[8 + size:], {}
    header.pop("__metadata__", None)
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        dtype, count = DTYPES[entry["dtype"]], 1
        for d in entry["shape"]:
            count *= d
        item = torch.empty(0, dtype=dtype).element_size()
        if not 0 <= begin <= end <= len(data) or end - begin != count * item:
            raise ValueError("%s: tensor %s: data_offsets do not fit its shape or the file" % (path, name))
        tensor = torch.frombuffer(bytearray(data[begin:end]), dtype=dtype) if count else torch.empty(0, dtype=dtype)
        tensors[name] = tensor.reshape(entry["shape"])
    return tensors
