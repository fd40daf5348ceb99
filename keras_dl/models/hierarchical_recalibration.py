"""Statistics of batch normalisation, estimated anew from a hierarchical autoencoder's own samples."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from keras_dl.checks import check_count, check_number
from keras_dl.layers.batch_normalization import estimating
from keras_dl.models.base import Draw


class Recalibration:
    """The part of a `HierarchicalVAE` that adapts its averages of batch statistics to how it is sampled."""

    # Of the model.
    latent_size: int
    averaged: Callable
    as_graph: Callable
    sampling_seed: Callable
    _from_noise: Callable
    decoder: Any

    def recalibrate(
        self, temperature: float = 1.0, batches: int = 100, batch_size: int = 64, seed: int | None = 0
    ) -> None:
        r"""Estimates the means and variances that batch normalisation in the decoder uses, from samples.

        In training these are averages over what posteriors give; samples at a low temperature look otherwise within the
        networks (Vahdat & Kautz 2020, section 4; the published code does so before it samples). Afterwards they are the
        means of `batches` batches' statistics, and are saved with the model. Likelihoods change with them: keep
        `get_weights()` of before for `set_weights` if you go on to measure these. Training moves them back. Without
        batch normalisation in the decoder nothing changes.

        Args:
            temperature: Factor of the priors' standard deviations, that of the samples to be drawn.
            batches: How many batches are drawn.
            batch_size: How many samples each has.
            seed: Integer that fixes the draws; `None` takes others at every call.

        Raises:
            ValueError: If an argument is out of range.
        """
        temperature = tf.constant(float(check_number(temperature, "temperature", least=0)))
        rows = tf.constant(check_count(batch_size, "batch_size", least=2))
        seed, call = self.sampling_seed(seed)
        for number in range(1, check_count(batches, "batches") + 1):
            rate = tf.constant(1.0 / number)
            self.as_graph(self._recalibrate)(rows, temperature, rate, seed, call * 2**16 + number)

    def _recalibrate(self, rows, temperature, rate, seed, call):
        noise = Draw.for_sampling(seed, call, rows, stream=4).normal((self.latent_size,))
        with estimating(rate):
            return self._from_noise(noise, temperature)
