"""Flow matching: straight paths from noise to images (Lipman et al. 2023; Liu et al. 2023).

    python -m apps.train flow_matching --out runs/flow_matching

The network of `ddpm` learns the velocity; samples follow it by Heun's method in 25 steps. `steps.png` shows what fewer
of them make of the same noise: one step of Euler's method would give the mean of the data.
"""

import keras_dl
from apps.recipes import ddpm

DATASET = "digits"

fit_options = ddpm.fit_options


def build(hp, data_spec):
    """Returns a compiled flow-matching model for images of `data_spec.shape`."""
    options = {"ema_momentum": ddpm.ema_momentum(hp), **ddpm.sampling(hp, "heun", 25)}
    model = keras_dl.models.FlowMatching(ddpm.network(hp, data_spec), **options)
    return ddpm.compiled(model, hp, data_spec, fit_options(hp))


TASK = ddpm.Denoising()
