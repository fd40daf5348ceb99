"""Flow matching."""

import keras

from keras_dl import processes
from keras_dl.models.diffusion import Diffusion


@keras.saving.register_keras_serializable(package="keras_dl")
class FlowMatching(Diffusion):
    r"""Flow matching: a network learns the velocity along straight paths from noise to data.

    $$\mathcal{L} = \mathbb{E}\left[\tfrac1d \left| f(x_t, t) - (\epsilon - x) \right|^2\right],
      \qquad x_t = (1 - t) x + t \epsilon$$

    (Lipman et al. 2023, "Flow matching for generative modeling"; Liu et al. 2023, "Flow straight and fast".) It is
    `Diffusion` with `process=RectifiedFlow()` and `prediction="velocity"`, sampled along the equation
    $dx_t / dt = f(x_t, t)$.

    Args:
        network: As for `Diffusion`.
        process: `keras_dl.processes.Process`; `None` means `RectifiedFlow()`.
        prediction: As for `Diffusion`.
        sampler: As for `Diffusion`.
        **kwargs: As for `Diffusion`.

    Example:

    >>> model = keras_dl.models.FlowMatching(keras_dl.networks.denoising_mlp((2,), 16, 32))
    >>> model.sample(3, steps=4, seed=0).shape
    TensorShape([3, 2])
    """

    def __init__(self, network, process=None, prediction="velocity", sampler="heun", **kwargs):
        process = processes.RectifiedFlow() if process is None else process
        super().__init__(network, process, prediction, sampler=sampler, **kwargs)
