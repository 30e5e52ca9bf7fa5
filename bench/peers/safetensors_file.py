"""safetensors without the package of that name.

A file is: length of the header (8 bytes, little-endian), the header (JSON: name -> dtype, shape,
data_offsets; "__metadata__" -> strings), then the data.
"""

import json
import os
from pathlib import Path

import numpy as np

_DTYPES = {"F32": "<f4", "F64": "<f8", "I32": "<i4", "I64": "<i8", "U8": "|u1", "F16": "<f2"}
_NAMES = {np.dtype(v): k for k, v in _DTYPES.items()}


def read(path):
    """({name: array}, metadata). Raises ValueError where the file does not add up."""
    data = Path(path).read_bytes()
    length = int.from_bytes(data[:8], "little")
    if len(data) < 8 or length > len(data) - 8:
        raise ValueError(f"{path}: header of {length} bytes in a file of {len(data)}")
    header = json.loads(data[8 : 8 + length])
    metadata = header.pop("__metadata__", {})
    body = memoryview(data)[8 + length :]
    tensors, end_of_last = {}, 0
    for name, entry in sorted(header.items(), key=lambda item: item[1]["data_offsets"]):
        begin, end = entry["data_offsets"]
        dtype, shape = np.dtype(_DTYPES[entry["dtype"]]), entry["shape"]
        size = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
        if begin != end_of_last or end - begin != size or end > len(body):
            raise ValueError(f"{path}: {name}: offsets {begin}..{end} do not fit shape {shape}")
        tensors[name] = np.frombuffer(body[begin:end], dtype).reshape(shape)
        end_of_last = end
    if end_of_last != len(body):
        raise ValueError(f"{path}: {len(body) - end_of_last} bytes after the last tensor")
    return tensors, metadata


def write(path, tensors, metadata=None):
    """Writes {name: array}; the file appears whole or not at all."""
    header, chunks, offset = {}, [], 0
    if metadata:
        header["__metadata__"] = metadata
    for name, array in tensors.items():
        array = np.ascontiguousarray(array)
        header[name] = {
            "dtype": _NAMES[array.dtype],
            "shape": list(array.shape),
            "data_offsets": [offset, offset + array.nbytes],
        }
        chunks.append(array.tobytes())
        offset += array.nbytes
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    temporary = f"{path}.tmp"
    with open(temporary, "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text + b"".join(chunks))
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)
