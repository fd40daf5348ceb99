"""Files of tiny scans."""

import numpy as np


def nifti_folder(nibabel, folder, count=5):
    """Volumes with a bright box, in a tilted frame with another order of axes, and labels 0 and 1."""
    tilt = np.array([[0.0, -1.2, 0.1, 5.0], [0.9, 0.0, 0.0, -3.0], [0.0, 0.15, 2.0, 7.0], [0, 0, 0, 1]])
    for number in range(count):
        rng = np.random.default_rng(number)
        labels = np.zeros((14 + number, 12, 10), "uint8")
        labels[4:9, 3:8, 2:7] = 1
        image = (labels + rng.normal(0, 0.2, labels.shape) + 2).astype("float32")
        for kind, values in (("imagesTr", image), ("labelsTr", labels)):
            path = folder / kind / f"scan_{number}.nii.gz"
            path.parent.mkdir(parents=True, exist_ok=True)
            nibabel.save(nibabel.Nifti1Image(values, tilt), path)
    return tilt
