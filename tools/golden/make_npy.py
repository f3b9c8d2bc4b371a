#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Makes the files under tests/golden/npy/ with NumPy: one per way that NumPy writes arrays.

  /usr/bin/python3 tools/golden/make_npy.py            write the files
  /usr/bin/python3 tools/golden/make_npy.py --read F   print what NumPy reads from an npy or npz file, for the tests:
                                                       per array a line `'key' dtype shape values`

Needs python3-numpy only. The same NumPy writes the same bytes.
"""
import argparse
import io
import os
import zipfile

import numpy as np

DIR = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tests", "golden", "npy")
# -2, -1.5, ... in a shape whose transpose differs.
VALUES = (np.arange(12) / 2 - 2).reshape(3, 4)


def write(name, array, version=None):
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, array, version=version)
    with open(os.path.join(DIR, name + ".npy"), "wb") as file:
        file.write(buffer.getvalue())


def main():
    os.makedirs(DIR, exist_ok=True)
    for code in ("f2", "f4", "f8", "i4", "i8"):
        write("little_" + code, VALUES.astype("<" + code))
    write("bytes", (np.arange(12).reshape(3, 4) * 23).astype("u1"))
    write("bools", VALUES > 0)
    write("big_f4", VALUES.astype(">f4"))
    write("big_i8", VALUES.astype(">i8"))
    write("big_f2", VALUES.astype(">f2"))
    write("fortran", np.asfortranarray(VALUES.astype("<f4")))
    write("fortran_3d", np.asfortranarray(np.arange(24, dtype=">i4").reshape(2, 3, 4)))
    write("version2", VALUES.astype("<f4"), (2, 0))
    write("version3", VALUES.astype("<f4"), (3, 0))
    write("scalar", np.array(2.5))
    write("vector", np.arange(5, dtype="<i8"))
    write("empty", np.zeros((0, 3), "<f4"))
    write("objects", np.array([None, 1], dtype=object))
    write("text", np.array(["a", "bc"]))
    write("complex", np.array([1j]))
    write("structured", np.zeros(2, [("x", "<f4"), ("y", "<i4")]))
    arrays = {"layer.weight": VALUES.astype("<f4"), "block/bias": np.arange(3, dtype="<i8"),
              "gr\u00f6\u00dfe": np.array(True), "empty": np.zeros((0, 2), "<f8")}
    # savez() stamps nothing but the fixed date that zipfile takes for open(name, "w").
    np.savez(os.path.join(DIR, "stored.npz"), **arrays)
    np.savez_compressed(os.path.join(DIR, "deflated.npz"), zeros=np.zeros((64, 64), "<f4"), **arrays)
    with zipfile.ZipFile(os.path.join(DIR, "other_member.npz"), "w") as file:
        file.writestr(zipfile.ZipInfo("notes.txt"), "not an array")


def show(path):
    loaded = np.load(path, allow_pickle=False)
    arrays = dict(loaded) if path.endswith(".npz") else {"": loaded}
    for key, array in arrays.items():
        print(ascii(key), array.dtype.str, list(array.shape), array.astype("f8").ravel().tolist())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--read", metavar="FILE")
    file_to_read = parser.parse_args().read
    if file_to_read:
        show(file_to_read)
    else:
        main()
