#!/usr/bin/env bash
# nifti-reader-js 0.8.0 and nibabel 5.3.2: of a file whose header holds both an s-form and a q-form, nibabel takes the
# s-form whenever its code is above 0, as ITK's default and the format's text have it too. nifti-reader-js takes the
# q-form if its code is the larger one. A volume registered by one tool (codes 1 and 2, two different maps) so lies
# elsewhere, here by 30 mm and mirrored, in a page than in Python: overlays and slices by axis come out wrong.
# Exits with an error if that changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet nibabel==5.3.2 numpy==2.2.6
cd "$folder"
npm install --silent --no-audit --no-fund nifti-reader-js@0.8.0 >/dev/null
venv/bin/python - <<'PROGRAM'
import nibabel
import numpy as np

image = nibabel.Nifti1Image(np.zeros((4, 5, 6), "float32"), np.eye(4))
image.set_sform(np.diag([2.0, 2.0, 2.0, 1.0]), code=1)
turned = np.diag([-2.0, 2.0, 2.0, 1.0])
turned[0, 3] = 30.0
image.set_qform(turned, code=2)
image.to_filename("both.nii")
first = nibabel.load("both.nii").affine[0].tolist()
print("nibabel:        ", first)
assert first == [2.0, 0.0, 0.0, 0.0], first
PROGRAM
cat >read.mjs <<'PROGRAM'
import fs from "fs";
import * as nifti from "nifti-reader-js";
const bytes = fs.readFileSync("both.nii");
const header = nifti.readHeader(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
const first = header.affine[0].map((value) => Math.round(value * 1000) / 1000);
console.log("nifti-reader-js:", JSON.stringify(first));
if (JSON.stringify(first) !== "[-2,0,0,30]") process.exit(1);
PROGRAM
node read.mjs
