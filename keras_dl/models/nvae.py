"""NVAE: a deep hierarchical autoencoder of images."""

from typing import Any

import keras

from keras_dl.models.hierarchical_vae import HierarchicalVAE


@keras.saving.register_keras_serializable(package="keras_dl")
class NVAE(HierarchicalVAE):
    r"""NVAE (Vahdat & Kautz 2020, "NVAE: a deep hierarchical variational autoencoder").

    A `HierarchicalVAE` with posteriors relative to their priors, groups balanced while the rate warms up, and the
    spectral regularisation of all convolutions. The defaults are those of the published code, which departs from the
    paper; the paper's are in brackets:

    - `balancing="code"`: the mean rate of a group is divided by its size (`"paper"`: multiplied);
    - `soft_clamp=5.0`: locations and log scales are $5 \tanh(\cdot / 5)$ (`None`);
    - `scale_offset=0.01`: added to scales, which makes the first prior $\mathcal{N}(0, 1.01^2)$ (`0.0`);
    - `spectral=0.01`: scales of batch normalisation are charged beside kernels
      (`objectives.SpectralRegularization(0.01, of_norms=False)`);
    - convolutions are weight-normalised only in networks built with `weight_norm=True`; those of code and paper are.

    `beta` should be a schedule that charges the rate little by little over the first 30% of the steps,
    `beta=objectives.Linear(steps, start=1e-4)`. `compile()` takes Adamax at 0.01, which the code lets fall along a
    cosine to 1e-4. Its memory of the first, large gradients lasts thousands of steps: take Adam for shorter runs. Where
    training diverges, lower the rate or raise `spectral`.

    Args:
        encoder: `networks.nvae_encoder(...)`, or another that fits the decoder.
        decoder: `networks.nvae_decoder(...)`.
        likelihood: A `keras_dl.likelihoods.Likelihood` or its name; `DiscretizedLogisticMixture(10)` for colours.
        posterior: As for `HierarchicalVAE`.
        balancing: As for `HierarchicalVAE`.
        soft_clamp: As for `HierarchicalVAE`.
        scale_offset: As for `HierarchicalVAE`.
        spectral: As for `HierarchicalVAE`.
        **kwargs: `beta`, `free_bits`, `flow`, `seed`, `ema_momentum` and `name`, as for `HierarchicalVAE`.

    Raises:
        ValueError: If encoder, decoder and likelihood do not fit together, or an option is out of range.

    Example:

    >>> (x, _), _ = keras_dl.data.load("digits")
    >>> options = {"groups": (2,), "filters": 4, "halvings": 0}
    >>> nvae = keras_dl.models.NVAE(
    ...     keras_dl.networks.nvae_encoder(x.shape[1:], **options),
    ...     keras_dl.networks.nvae_decoder(x.shape[1:], latent_channels=2, expansion=2, **options),
    ...     beta=keras_dl.objectives.Linear(100, start=1e-4),
    ... )
    >>> nvae.compile()
    >>> sorted(nvae.fit(x[:128], batch_size=64, epochs=1, verbose=0).history)
    ['distortion', 'elbo', 'loss', 'rate', 'rate_1', 'rate_2', 'spectral']
    """

    paper_optimizers = {"optimizer": {"class_name": "Adamax", "config": {"learning_rate": 1e-2, "epsilon": 1e-3}}}

    def __init__(
        self,
        encoder: keras.Model,
        decoder: keras.layers.Layer,
        likelihood: Any = "bernoulli",
        posterior: str = "residual",
        balancing: str | None = "code",
        soft_clamp: float | None = 5.0,
        scale_offset: float = 0.01,
        spectral: Any = 0.01,
        **kwargs,
    ):
        options: dict = {"balancing": balancing, "soft_clamp": soft_clamp, "scale_offset": scale_offset}
        super().__init__(encoder, decoder, likelihood, posterior, spectral=spectral, **options, **kwargs)
