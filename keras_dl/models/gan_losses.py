"""Losses of the two players of an adversarial model."""

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from keras_dl.models import conditions
from keras_dl.models.base import Draw
from keras_dl.models.scorer import Scorer
from keras_dl.objectives.schedules import value_at
from keras_dl.types import Nest


class GameLosses:
    """The part of `GAN` that trains: what critic and generator minimise, and what constrains them."""

    # Of the model.
    generator: keras.Model
    critic: keras.Model
    attribute_critic: keras.Model
    latent_size: int
    objective: Any
    penalties: tuple
    instance_noise: Any
    attributes: Any
    network_names: tuple[str, ...]
    state: Any

    def critic_loss(self, batch: Nest, draw: Draw) -> Nest:
        """The critic's loss per sample of a batch, and the terms to track; see `Update.loss`."""
        real, condition = self._unpack(batch)
        fake = self._generated(self._latents(draw), condition, draw.training)
        # The critic's update moves no weight of the generator, through which its gradient would flow for nothing.
        real, fake = self._with_noise(real, draw), self._with_noise(tf.stop_gradient(fake), draw)
        scorer = self._scorer(condition, draw.training)
        outputs = scorer.outputs(real), scorer.outputs(fake)
        terms = {"real": outputs[0][:, 0], "fake": outputs[1][:, 0]}
        values = self.objective.critic_loss(**terms)
        charges = [penalty(scorer, real, fake, draw) for penalty in self._charging("critic")]
        if charges:
            terms["penalty"] = tf.add_n(charges)
            values += terms["penalty"]
        if self.attributes is not None:
            judged = [(real, outputs[0])]
            if self.attributes.on_generated:
                judged.append((fake, outputs[1]))
            losses = [self._attribute_loss(x, output, condition, draw.training) for x, output in judged]
            terms["attributes"] = tf.add_n(losses)
            values += self.attributes.weight * terms["attributes"]
        return values, terms

    def generator_loss(self, batch: Nest, draw: Draw) -> Nest:
        """The generator's loss of as many samples as the batch has rows, and the terms to track; see `Update.loss`."""
        real, condition = self._unpack(batch)
        latents = self._latents(draw)
        fake = self._generated(latents, condition, draw.training)
        judged = self._with_noise(fake, draw)
        scorer = self._scorer(condition, draw.training)
        outputs = scorer.outputs(judged)
        compared = scorer(self._with_noise(real, draw)) if self.objective.generator_sees_real else None
        values, terms = self.objective.generator_loss(outputs[:, 0], compared), {}

        def generator(latents):
            return self._generated(latents, condition, draw.training)

        charges = [penalty(generator, latents, fake, draw) for penalty in self._charging("generator")]
        if charges:
            terms["penalty"] = tf.add_n(charges)
            values += terms["penalty"]
        if self.attributes is not None:
            terms["attributes"] = self._attribute_loss(judged, outputs, condition, draw.training)
            values += self.attributes.weight * terms["attributes"]
        return (values, terms) if terms else values

    def extra_terms(self, player: str) -> tuple[str, ...]:
        """Names of the terms that a player's loss has beside the game's: of penalties and attributes."""
        penalty = ("penalty",) if self._charging(player) else ()
        return penalty if self.attributes is None else (*penalty, "attributes")

    def constraint_on(self, player: str) -> Callable | None:
        """The function that constrains a player's weights after its updates, or `None`."""
        constraints = [p for p in self.penalties if p.constrains and p.acts_on == player]
        if not constraints:
            return None
        network = getattr(self, player)

        def constrain():
            for penalty in constraints:
                penalty.constrain(network.trainable_variables)

        return constrain

    def _charging(self, player):
        return [penalty for penalty in self.penalties if penalty.acts_on == player and not penalty.constrains]

    # What families of other networks write anew.

    def _latents(self, draw):
        return draw.normal((self.latent_size,))

    def _scorer(self, condition, training):
        return Scorer(self.critic, condition, training)

    def _unpack(self, batch):
        real, condition = conditions.unpack(batch)
        return tf.cast(real, tf.float32), condition

    def _generated(self, latents, condition, training):
        fake = conditions.apply(self.generator, "latents", latents, condition, training)
        return tf.cast(fake, tf.float32)

    def _with_noise(self, x, draw):
        if self.instance_noise == 0.0:
            return x
        return x + value_at(self.instance_noise, self.state.step.value) * draw.normal(tuple(x.shape[1:]))

    def _attribute_loss(self, x, outputs, condition, training):
        if "attribute_critic" in self.network_names:
            outputs = Scorer(self.attribute_critic, condition, training).outputs(x)
        else:
            outputs = outputs[:, 1:]
        return self.attributes(outputs, condition)
