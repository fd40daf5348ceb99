"""The generative half of a hierarchical autoencoder: groups of latents drawn one after another, the coarsest first."""

import math
from collections.abc import Callable, Sequence
from typing import Any, Self

import keras
import tensorflow as tf

from keras_dl.checks import check_shape, refusal
from keras_dl.types import Nest, Tensor


@keras.saving.register_keras_serializable(package="keras_dl")
class Group(keras.layers.Layer):
    r"""One group of latents: networks for $p(z_l | z_{<l})$, for $q(z_l | x, z_{<l})$, and for what follows of $z_l$.

    All that was drawn before is in the state, a tensor that the networks hand on.

    Args:
        posterior: Built model from `{"state": ..., "features": ...}`, or from the features alone, to parameters
            `[loc, log_scale]`, twice as many as latents on the last axis.
        merge: Built model from `{"state": ..., "latents": ...}`, or from the latents alone, to the next state.
        prior: Built model from the state to parameters; `None` for parameters that are zero.
        **kwargs: `name`, `dtype` and `trainable`, as for every Keras layer.

    Attributes:
        latent_shape: Shape of a sample's latents.
    """

    def __init__(self, posterior: keras.Model, merge: keras.Model, prior: keras.Model | None = None, **kwargs):
        super().__init__(**kwargs)
        self.posterior, self.merge, self.prior = posterior, merge, prior
        latents = _takes(merge)
        latents = latents["latents"] if isinstance(latents, dict) else latents
        self.latent_shape = tuple(latents.shape[1:])
        expected = (*self.latent_shape[:-1], 2 * self.latent_shape[-1])
        for role, network in (("posterior", posterior), ("prior", prior)):
            shape = expected if network is None else tuple(network.output_shape[1:])
            if shape != expected:
                raise refusal(f"{role} should return [loc, log_scale] of the latents, shape {expected}", f"{shape}")
        self.built = True

    def prior_parameters(self, state: Tensor, rows: Tensor, training: bool = False) -> Tensor:
        """Parameters `[loc, log_scale]` of $p(z_l | z_{<l})$, or zeros."""
        if self.prior is None:
            return tf.zeros([rows, *self.latent_shape[:-1], 2 * self.latent_shape[-1]])
        return self.prior(state, training=training)

    def posterior_parameters(self, state: Tensor, features: Tensor, training: bool = False) -> Tensor:
        """Parameters `[loc, log_scale]` of $q(z_l | x, z_{<l})$ as the network gives them."""
        inputs = {"state": state, "features": features}
        return self.posterior(inputs if isinstance(_takes(self.posterior), dict) else features, training=training)

    def advance(self, state: Tensor, latents: Tensor, training: bool = False) -> Tensor:
        """The state after the group's latents are drawn."""
        inputs = {"state": state, "latents": latents}
        return self.merge(inputs if isinstance(_takes(self.merge), dict) else latents, training=training)

    def get_config(self) -> dict[str, Any]:
        parts = {name: getattr(self, name) for name in ("posterior", "merge", "prior")}
        parts = {name: part and keras.saving.serialize_keras_object(part) for name, part in parts.items()}
        return {**super().get_config(), **parts}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        parts = {name: config[name] for name in ("posterior", "merge", "prior")}
        parts = {name: part and keras.saving.deserialize_keras_object(part) for name, part in parts.items()}
        return cls(**{**config, **parts})


@keras.saving.register_keras_serializable(package="keras_dl")
class TopDown(keras.layers.Layer):
    r"""Decoder of a `models.HierarchicalVAE`: groups of latents, the coarsest first, and the head behind the last.

    $$p(x, z) = p(x | z) \prod_l p(z_l | z_{<l}), \qquad q(z | x) = \prod_l q(z_l | x, z_{<l})$$

    (Sønderby et al. 2016, "Ladder variational autoencoders".) Called on `{"noise": ..., "features": [...]}`, standard
    normals `(batch, latent_size)` and what an encoder returns, a tensor per group, it draws from the residual normals
    $\mathcal{N}(\mu + \Delta\mu, \sigma \Delta\sigma)$ and returns the head's outputs.

    Args:
        groups: List of `Group`s.
        head: Built model from the last state to the likelihood's parameters.
        start_shape: Shape of the learned state before the first group; `None` if that needs no state.
        **kwargs: `name`, `dtype` and `trainable`, as for every Keras layer.

    Attributes:
        latent_size: Number of latents of all groups.

    Raises:
        ValueError: If there is no group, or a part is of another kind.
    """

    def __init__(self, groups: Sequence[Group], head: keras.Model, start_shape: Sequence[int] | None = None, **kwargs):
        super().__init__(**kwargs)
        self.groups = list(groups)
        if not self.groups or not all(isinstance(group, Group) for group in self.groups):
            raise refusal("`groups` should hold at least one Group", groups=groups)
        self.head = head
        self.start_shape = None if start_shape is None else check_shape(start_shape, "start_shape")
        self.start = None
        if start_shape is not None:
            options = {"initializer": "random_normal", "name": "start"}
            self.start = self.add_weight(shape=self.start_shape, **options)
        self.built = True

    @property
    def latent_shapes(self) -> tuple[tuple[int, ...], ...]:
        """The shapes of the groups' latents, a tuple of tuples."""
        return tuple(group.latent_shape for group in self.groups)

    @property
    def sizes(self) -> list[int]:
        """The numbers of latents of the groups, a list."""
        return [math.prod(shape) for shape in self.latent_shapes]

    @property
    def latent_size(self) -> int:
        return sum(self.sizes)

    def split(self, latents: Tensor) -> list:
        """Latents `(batch, latent_size)` as a list of tensors, one per group, of the groups' own shapes."""
        parts = tf.split(latents, self.sizes, axis=-1)
        return [tf.reshape(part, [-1, *shape]) for part, shape in zip(parts, self.latent_shapes, strict=True)]

    def join(self, latents: Sequence) -> Tensor:
        """The inverse of `split`."""
        parts = zip(latents, self.sizes, strict=True)
        return tf.concat([tf.reshape(part, [-1, size]) for part, size in parts], -1)

    def descend(
        self, rows: Tensor, choose: Callable, features: Sequence | None = None, training: bool = False
    ) -> Tensor:
        """Goes from the first group to the head.

        Args:
            rows: Int or int32 scalar, how many samples.
            choose: Function `choose(index, prior, posterior)` of a group's number and of parameters
                `[loc, log_scale]`, which returns the group's latents; `posterior` is `None` without features.
            features: List of what an encoder returns, a tensor per group, or `None`.
            training: Whether the networks are being trained.

        Returns:
            The likelihood's parameters.
        """
        state = None
        if self.start is not None:
            start = tf.cast(self.start, self.compute_dtype)
            state = tf.broadcast_to(start, tf.concat([[rows], tf.constant(self.start_shape, tf.int32)], 0))
            state = tf.ensure_shape(state, (None, *self.start_shape))
        for index, group in enumerate(self.groups):
            prior = group.prior_parameters(state, rows, training)
            posterior = None
            if features is not None:
                posterior = group.posterior_parameters(state, features[index], training)
            state = group.advance(state, choose(index, prior, posterior), training)
        return self.head(state, training=training)

    def call(self, inputs: Nest, training: bool = False) -> Tensor:
        noise = self.split(inputs["noise"])

        def choose(index, prior, posterior):
            loc, log_scale = tf.split(tf.cast(prior, posterior.dtype) + posterior, 2, -1)
            return loc + tf.exp(log_scale) * tf.cast(noise[index], loc.dtype)

        rows = tf.shape(inputs["noise"])[0]
        return self.descend(rows, choose, inputs["features"], training)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return (input_shape["noise"][0], *self.head.output_shape[1:])

    def get_config(self) -> dict[str, Any]:
        groups = [keras.saving.serialize_keras_object(group) for group in self.groups]
        head = keras.saving.serialize_keras_object(self.head)
        return {**super().get_config(), "groups": groups, "head": head, "start_shape": self.start_shape}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        groups = [keras.saving.deserialize_keras_object(group) for group in config["groups"]]
        head = keras.saving.deserialize_keras_object(config["head"])
        return cls(**{**config, "groups": groups, "head": head})


def _takes(network):
    """The symbolic inputs of a network, a tensor or a dict of tensors."""
    return network.inputs[0] if isinstance(network, keras.Sequential) else network.input
