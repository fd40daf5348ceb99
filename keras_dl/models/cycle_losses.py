"""Losses of the two generators and the two critics of a CycleGAN."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_dl.checks import refusal
from keras_dl.models import shapes
from keras_dl.models import translation_parts as parts
from keras_dl.models.base import Draw
from keras_dl.models.image_pool import from_pool
from keras_dl.types import Nest


class CycleLosses:
    """The part of `CycleGAN` that trains: what generators and critics minimise."""

    # Of the model.
    forward: keras.Model
    backward: keras.Model
    critic_a: keras.Model
    critic_b: keras.Model
    objective: Any
    cycle_weight: float
    identity_weight: float
    adversarial_weight: float
    pool_size: int
    carried: dict

    @property
    def generator_terms(self) -> tuple[str, ...]:
        """Names of the parts of the generators' loss, without their weights."""
        terms = ("adversarial_a", "adversarial_b", "cycle_a", "cycle_b")
        return (*terms, "identity_a", "identity_b") if self.identity_weight else terms

    def generators_loss(self, batch: Nest, draw: Draw) -> Nest:
        """The loss of both generators together, of every pair of rows, and its parts; see `Update.loss`."""
        a, b = batch
        options = {"training": draw.training}
        fake_b, fake_a = self.forward(a, **options), self.backward(b, **options)
        draw.hand_on(fake_a=fake_a, fake_b=fake_b)
        terms = {
            "adversarial_a": self._fooled(self.critic_a, fake_a, a, draw),
            "adversarial_b": self._fooled(self.critic_b, fake_b, b, draw),
            "cycle_a": parts.distance(self.backward(fake_b, **options), a),
            "cycle_b": parts.distance(self.forward(fake_a, **options), b),
        }
        values = self.adversarial_weight * (terms["adversarial_a"] + terms["adversarial_b"])
        values += self.cycle_weight * (terms["cycle_a"] + terms["cycle_b"])
        if self.identity_weight:
            terms["identity_a"] = parts.distance(self.backward(a, **options), a)
            terms["identity_b"] = parts.distance(self.forward(b, **options), b)
            values += self.cycle_weight * self.identity_weight * (terms["identity_a"] + terms["identity_b"])
        return values, terms

    def critic_a_loss(self, batch: Nest, draw: Draw) -> Nest:
        """The loss of the critic of A, which sees translations of B; see `Update.loss`."""
        return self._critic_loss(self.critic_a, self.backward, batch[0], batch[1], "a", draw)

    def critic_b_loss(self, batch: Nest, draw: Draw) -> Nest:
        """The loss of the critic of B, which sees translations of A; see `Update.loss`."""
        return self._critic_loss(self.critic_b, self.forward, batch[1], batch[0], "b", draw)

    def _critic_loss(self, critic, generator, real, source, side, draw):
        # Those that the generators' update has made, as in the published code; alone, a critic makes its own.
        fake = draw.earlier.get(f"fake_{side}")
        fake = generator(source, training=draw.training) if fake is None else fake
        new = fake = tf.stop_gradient(fake)
        name, handed_back = f"pool_{side}", {}
        if self.pool_size:
            fake, handed_back[name] = from_pool(self.carried[name], new, draw)
            fake = fake if draw.training else new
        real, fake = (critic(x, training=draw.training) for x in (real, fake))
        terms = {"real": parts.per_sample(real), "fake": parts.per_sample(fake)}
        return parts.critic_values(self.objective, real, fake), terms, handed_back

    def _fooled(self, critic, fake, real, draw):
        """A generator's adversarial loss."""
        scores = critic(fake, training=draw.training)
        compared = critic(real, training=draw.training) if self.objective.generator_sees_real else None
        return parts.generator_values(self.objective, scores, compared)


def checked_shapes(forward, backward, critic_a, critic_b, identity_weight):
    """The shapes of images of A and of B, or a refusal of networks that do not fit together."""
    (shape_a, returned_b), (shape_b, returned_a) = (
        parts.check_translator(name, network) for name, network in (("forward", forward), ("backward", backward))
    )
    for name, taken, returned in (("backward", shape_b, returned_b), ("forward", shape_a, returned_a)):
        if not parts.fits(taken, returned):
            raise refusal(f"{name} should take what the other generator makes, of shape {returned}", f"{taken}")
    parts.check_judges("critic_a", critic_a, returned_a)
    parts.check_judges("critic_b", critic_b, returned_b)
    if identity_weight and not (parts.fits(shape_a, returned_b) and parts.fits(shape_b, returned_a)):
        raise refusal("`identity_weight` should be 0 for domains of different shapes", f"{shape_a} and {shape_b}")
    return shape_a, shape_b


def check_domains(forward, backward, a, b):
    """Refuses images whose translations a critic could not compare with those of the other domain."""
    ways = (("b", b, forward, a), ("a", a, backward, b))
    for name, images, network, source in ways:
        expected = parts.translated_shape(network, np.shape(source)[1:])
        shapes.check_x(images, expected, f"images of {name}, beside translations of the other domain,")


def pooled_shapes(shapes, image_shapes):
    """The shapes of pooled images of A and of B: those of the networks, or those that are asked for."""
    chosen = shapes if image_shapes is None else [tuple(shape) for shape in image_shapes]
    known = len(chosen) == 2 and all(None not in shape for shape in chosen)
    if not known or not all(map(parts.fits, shapes, chosen)):
        text = f"`image_shapes` should be two shapes of images that fit {shapes[0]} and {shapes[1]}, for the pools"
        raise refusal(text, image_shapes=image_shapes)
    return chosen
