"""What an exported pyramid of adversarial networks offers."""

import tensorflow as tf

from keras_dl.models import conditions, gan_checks
from keras_dl.models import lapgan_game as game
from keras_dl.models.base import Signature, fresh_seed


def signatures(model):
    """Returns the `Signature`s of a `LAPGAN` by name: generate (the default), sample, refine and discriminate.

    `refine` takes images of the coarsest level, `discriminate` those of the finest. `seed` is int64; -1 for fresh
    noise. The condition of `sample` has one row, for all samples, or one per sample.
    """
    generators, finest = model.networks[: len(model.shapes)], model.networks[-1]
    label, seed = conditions.spec(generators), {"seed": tf.TensorSpec([], tf.int64)}
    x, coarse = (tf.TensorSpec([None, *model.shapes[level]]) for level in (-1, 0))
    latents, num_samples = tf.TensorSpec([None, model.latent_size]), tf.TensorSpec([], tf.int32)
    zero = tf.constant(0, tf.int64)

    def sample(num_samples, *rest):
        *condition, seed = rest
        condition = conditions.for_rows(condition[0], num_samples) if condition else None
        return {"x": model._sample(num_samples, condition, fresh_seed(seed), zero)}

    def refine(x, *rest):
        *condition, seed = rest
        return {"x": model._refine(x, *(condition or [None]), fresh_seed(seed), zero)}

    return {
        "generate": Signature(lambda z, *c: {"x": model._generate(z, *c)}, {"latents": latents, **label}),
        "sample": Signature(sample, {"num_samples": num_samples, **label, **seed}),
        "refine": Signature(refine, {"x": coarse, **label, **seed}),
        "discriminate": Signature(
            lambda x, *c: {"score": model._discriminate(x, *c)}, {"x": x, **conditions.spec([finest])}
        ),
    }


def by_level(model):
    """Returns the `Signature`s of a `LAPGAN` that take noise as an input and give images of every level.

    Outputs `level_0`, `level_1`, ... are coarsest first. `levels` takes the noise of all levels side by side;
    `refine_levels` images of the coarsest level and the noise of the others; `coarsen` images of the finest.
    """
    generators = model.networks[: len(model.shapes)]
    label = conditions.spec(generators)
    x, coarse = (tf.TensorSpec([None, *model.shapes[level]]) for level in (-1, 0))
    whole, finer = (tf.TensorSpec([None, sum(model.latent_sizes[start:])]) for start in (0, 1))

    def levels(latents, condition=None):
        return {f"level_{number}": images for number, images in enumerate(model._generate_levels(latents, condition))}

    def refined(x, latents, condition=None):
        *between, finest = game.chain(model._generators()[1:], latents, condition, x)
        images = [*between, gan_checks.clipped(finest, model.value_range)]
        return {f"level_{number}": one for number, one in enumerate(images, start=1)}

    return {
        "levels": Signature(levels, {"latents": whole, **label}),
        "refine_levels": Signature(refined, {"x": coarse, "latents": finer, **label}),
        "coarsen": Signature(lambda x: {"coarse": game.gaussian_pyramid(x, len(model.shapes))[0]}, {"x": x}),
    }
