#!/usr/bin/env bash
# Pillow 13.0.0 opens a valid PNG of three channels with sixteen bits as mode RGB with eight: the lower byte of every
# value is gone, and neither the mode nor a warning tells such a file from one of eight bits. (Grey ones keep theirs.)
# Exits with an error if that changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet pillow==13.0.0 numpy==2.2.6
cd "$folder"
"$folder/venv/bin/python" -W error - <<'PROGRAM'
import struct
import zlib
from pathlib import Path

import numpy as np
import PIL
from PIL import Image


def chunk(kind, content):
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(values, colour_type):
    height, width = values.shape[:2]
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    header = struct.pack(">IIBBBBB", width, height, 16, colour_type, 0, 0, 0)
    parts = [chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


values = np.array([[[0x1234, 0x12FF, 0x00FF]]], "uint16")
Path("colour.png").write_bytes(png(values, 2))
Path("grey.png").write_bytes(png(values[..., 0], 0))
colour, grey = Image.open("colour.png"), Image.open("grey.png")
print(f"Pillow {PIL.__version__}: {values.ravel().tolist()} in colour becomes {np.asarray(colour).ravel().tolist()},")
print(f"mode {colour.mode}, info {colour.info}; {int(values[0, 0, 0])} in grey becomes {np.asarray(grey).tolist()}")
assert colour.mode == "RGB" and np.asarray(colour).ravel().tolist() == [0x12, 0x12, 0x00], "sixteen bits are kept"
assert np.asarray(grey).tolist() == [[0x1234]], "grey ones lose theirs too"
PROGRAM
