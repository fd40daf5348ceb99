"""Ways between noise and data that diffusion models and continuous flows share."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from keras_dl.checks import check_count, check_number
from keras_dl.models import conditions, diffusion_checks, shapes
from keras_dl.types import Tensor


class Paths:
    """The part of a model that leads noise to data, and data to noise."""

    # Of the model.
    network: Any
    data_shape: tuple[int, ...]
    as_graph: Callable
    sampling_seed: Callable
    sampling_options: Callable
    checked_condition: Callable
    _inputs: Callable
    _sample: Callable
    _encode: Callable
    _decode: Callable

    def sample(
        self,
        num_samples: int,
        condition: Tensor | None = None,
        seed: int | None = None,
        steps: int | None = None,
        sampler: Any = None,
        guidance: float = 1.0,
    ) -> Tensor:
        """Draws samples: noise, led back along the process.

        Args:
            num_samples: How many.
            condition: For conditional networks: one condition, or one for each sample; `None` for samples without one.
            seed: Integer that fixes the draw; `None` gives others at every call.
            steps: Number of steps into which the process is cut; `None` for the model's.
            sampler: Name of one of `keras_dl.samplers.SAMPLERS`, or a function like them; `None` for the model's.
            guidance: Classifier-free guidance (Ho & Salimans 2022): 1 for none; with larger numbers the prediction
                moves on, away from the one without the condition.

        Returns:
            Tensor of shape `(num_samples, *data_shape)`, on the scale of the data.

        Raises:
            ValueError: If an argument is out of range, or guidance has no condition to follow.
        """
        num_samples = check_count(num_samples, "num_samples")
        condition = self.checked_condition(conditions.repeated([self.network], condition, num_samples), num_samples)
        options = self.sampling_options(steps, sampler, guidance, condition)
        return self.as_graph(self._sample)(tf.constant(num_samples), condition, *self.sampling_seed(seed), **options)

    def encode(self, x: Tensor, condition: Tensor | None = None, tolerance: float = 1e-5) -> Tensor:
        """Returns the latents of data: their ends on the probability-flow path, about standard normal.

        Args:
            x: Data, shape `(rows, *data_shape)`.
            condition: Their conditions, where the network is conditional.
            tolerance: Tolerance of the solver.
        """
        x, condition = self._inputs(x, condition)
        tolerance = check_number(tolerance, "tolerance", above=0)
        with diffusion_checks.solvable(tolerance):
            return shapes.by_rows(lambda *rows: self.as_graph(self._encode)(*rows, tolerance=tolerance), x, condition)

    def decode(
        self,
        latents: Tensor,
        condition: Tensor | None = None,
        steps: int | None = None,
        sampler: Any = "heun",
        guidance: float = 1.0,
    ) -> Tensor:
        """Returns the data of latents along the probability-flow path, on the scale of the data.

        Args:
            latents: Standard normal numbers, shape `(rows, *data_shape)`.
            condition: As for `sample`.
            steps: As for `sample`.
            sampler: As for `sample`; one that draws noise does not invert `encode`.
            guidance: As for `sample`.
        """
        latents = shapes.as_rows(latents, self.data_shape, "latents")
        condition = self.checked_condition(condition, len(latents))
        options = self.sampling_options(steps, sampler, guidance, condition)
        options["seed"], options["call"] = self.sampling_seed(0)
        return shapes.by_rows(lambda *rows: self.as_graph(self._decode)(*rows, **options), latents, condition)
