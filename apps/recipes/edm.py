"""Diffusion with the preconditioning, the noise levels and the sampler of EDM (Karras et al. 2022).

    python -m apps.train edm --out runs/edm

The network of `ddpm`, as the authors' F: its input and output are scaled by the noise's deviation; 18 steps of Heun's
method, which are 35 evaluations. `sigma_data` is the deviation of the data in [-1, 1]: 0.75 for digits, 0.62 for mnist.
"""

import keras_dl
from apps.recipes import ddpm
from keras_dl.runs import Name

DATASET = "digits"

fit_options = ddpm.fit_options


def build(hp, data_spec):
    """Returns a compiled diffusion model for images of `data_spec.shape`."""
    scale = hp.Float(Name("sigma_data", "deviation of the data in [-1, 1]"), 0.05, 2.0, default=0.75)
    process = keras_dl.processes.EDM(sigma_data=scale)
    options = {"ema_momentum": ddpm.ema_momentum(hp), **ddpm.sampling(hp, "heun", 18)}
    model = keras_dl.models.Diffusion(ddpm.network(hp, data_spec), process, "edm", **options)
    return ddpm.compiled(model, hp, data_spec, fit_options(hp))


TASK = ddpm.Denoising()
