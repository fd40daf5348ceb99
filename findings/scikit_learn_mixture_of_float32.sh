#!/usr/bin/env bash
# scikit-learn 1.9.1: GaussianMixture keeps float32 data in float32 since it dispatches by array type, and of its four
# covariances one survives groups that lie far from zero. With two groups at +-1,000 and widths of about 1, "full" has
# the log-likelihood of float64 to six digits: it centres each group first. "tied", "diag" and "spherical" subtract
# squares of means from means of squares, and lose 0.04 to 0.5 nats a sample, with variances of about 1 that are off by
# 0.5 to 1.2, without a word and with the right labels. Standardized columns lose too, as the distance lies between
# the groups. Pass float64.
# Exits with an error if that changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet scikit-learn==1.9.1 numpy==2.4.6
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'PROGRAM'
import numpy as np
import sklearn
from sklearn.mixture import GaussianMixture

print(f"scikit-learn {sklearn.__version__}")
random, widths = np.random.default_rng(0), np.array([1.0, 0.5, 2.0])
groups = [widths * random.normal(size=(500, 3)) + side for side in (1000.0, -1000.0)]
x = np.concatenate(groups).astype("float32")
exact = x.astype("float64")
narrow = (exact - exact.mean(0)) / exact.std(0)


def loss_of(x, covariance):
    """Nats a sample that float32 loses, and both mixtures."""
    options = {"covariance_type": covariance, "random_state": 0, "reg_covar": 0.0}
    right, single = (GaussianMixture(2, **options).fit(data) for data in (x, x.astype("float32")))
    return right.score(x) - single.score(x), right, single


for covariance in ("full", "tied", "diag", "spherical"):
    loss, right, single = loss_of(exact, covariance)
    variance = np.abs(right.covariances_ - single.covariances_).max()
    same = (right.predict(exact) == single.predict(x)).all() or (right.predict(exact) != single.predict(x)).all()
    print(f"{covariance}: {single.covariances_.dtype}, {loss:.6f} nats lost, variances off by {variance:.6f}, labels {same}")
    if covariance == "spherical":
        standardized = loss_of(narrow, covariance)[0]
        print(f"{covariance}, standardized: {standardized:.6f} nats lost")
        assert standardized > 0.001
    assert same and single.covariances_.dtype == np.float32
    assert abs(loss) < 1e-4 if covariance == "full" else loss > 0.01, "the mixture has changed"
PROGRAM
