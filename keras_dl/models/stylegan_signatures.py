"""What an exported StyleGAN offers beside an adversarial model's functions."""

import tensorflow as tf

from keras_dl.models import conditions, gan_signatures
from keras_dl.models.base import Signature, fresh_seed


def signatures(gan):
    """Returns the `Signature`s of a StyleGAN by name: those of a GAN, style and synthesize.

    `generate` and `synthesize` without truncation; a client truncates styles itself. `synthesize` takes the noise of
    all layers, `(rows, noise_size)`; `generate` has the fixed noise.
    """
    condition = conditions.spec([gan.generator])
    latents = tf.TensorSpec([None, gan.latent_size], tf.float32)
    styles = tf.TensorSpec([None, gan.num_styles, gan.style_size], tf.float32)
    noise = tf.TensorSpec([None, gan.noise_size], tf.float32)

    def sample(num_samples, *rest):
        *labels, seed = rest
        labels = conditions.for_rows(labels[0], num_samples) if labels else None
        return {"x": gan._sample(num_samples, labels, fresh_seed(seed), tf.constant(0, tf.int64))}

    others = gan_signatures.signatures(gan)
    return {
        **others,
        "sample": Signature(sample, others["sample"].inputs),
        "style": Signature(lambda z, *c: {"styles": gan._style(z, *c)}, {"latents": latents, **condition}),
        "synthesize": Signature(lambda w, n: {"x": gan._synthesize(w, n)}, {"styles": styles, "noise": noise}),
    }


def of_styles(gan):
    """Returns the `Signature` `paint` of a StyleGAN, which makes images of styles with the noise of the model."""
    styles = tf.TensorSpec([None, gan.num_styles, gan.style_size], tf.float32)
    return {"paint": Signature(lambda w: {"x": gan._synthesize(w)}, {"styles": styles})}
