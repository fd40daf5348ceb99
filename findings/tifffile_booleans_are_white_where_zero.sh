#!/usr/bin/env bash
# tifffile 2026.3.3 writes a boolean array with the tag PhotometricInterpretation WhiteIsZero and stores True as 1: by
# the format True is black. tifffile gives the array back as it was; Pillow 13.0.0, which follows the tag, gives its
# opposite, so a mask of one bit changes sides between the two readers.
# Exits with an error if that changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet tifffile==2026.3.3 pillow==13.0.0 numpy==2.2.6
cd "$folder"
"$folder/venv/bin/python" -W error - <<'PROGRAM'
import numpy as np
import PIL
import tifffile
from PIL import Image

mask = np.array([[True, False, False, False]] * 2)
tifffile.imwrite("mask.tif", mask)
with tifffile.TiffFile("mask.tif") as file:
    tag = file.pages[0].photometric.name
again, pillow = tifffile.imread("mask.tif"), np.asarray(Image.open("mask.tif"))
print(f"tifffile {tifffile.__version__} writes {mask[0].tolist()} as {tag} and reads {again[0].tolist()};")
print(f"Pillow {PIL.__version__} reads {pillow[0].tolist()}")
assert tag == "MINISWHITE" and (again == mask).all(), "tifffile reads or writes otherwise"
assert (pillow == ~mask).all(), "Pillow reads what tifffile wrote"
PROGRAM
