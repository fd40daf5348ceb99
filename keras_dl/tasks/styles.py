"""Generation by styles: pictures of mixed styles, of noise and of truncation."""

from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_dl.callbacks.sheets import Block, save_sheet
from keras_dl.models import stylegan_signatures
from keras_dl.tasks import drawing
from keras_dl.tasks.films import film_of_latents
from keras_dl.tasks.generation import Generation
from keras_dl.tasks.measure import Context

SHOWN = 8  # latents in a row
TRUNCATIONS = (0.0, 0.25, 0.5, 0.7, 1.0)


class Styles(Generation):
    """The task of a model that draws samples from styles, such as `models.StyleGAN`.

    Beside what `Generation` asks, the model has `style`, `synthesize` and `mix`.
    """

    card_pictures: tuple[str, ...] = ("mixing.png", "truncation.png", "noise.png", "samples_epoch_*.png")

    def __init__(self):
        super().__init__(latents=True, critic=True)

    def pictures(self, model: keras.Model, data: Any, folder: Path, context: Context | None = None) -> dict[Path, str]:
        pictures = super().pictures(model, data, folder, context)
        pictures |= film_of_latents(folder / "film.gif", partial(model.generate, truncation=0.7), model.latent_size)
        latents = np.random.default_rng(0).standard_normal((2 * SHOWN, model.latent_size)).astype("float32")
        styles = np.asarray(model.style(latents, truncation=0.7))
        drawn = {
            "mixing.png": (mixing(model, styles), "coarse styles of the left images, fine styles of the upper ones"),
            "noise.png": (noise(model, styles[:SHOWN]), "the same styles with other noise, and with none"),
            "truncation.png": (truncation(model, latents[:SHOWN]), "styles from the mean style to their own"),
        }
        for name, (blocks, meaning) in drawn.items():
            title = drawing.title(meaning.capitalize(), model, data, context) if context else meaning.capitalize()
            save_sheet(folder / name, title, blocks)
            pictures[folder / name] = meaning
        return pictures

    def views(self, model: keras.Model, options: dict[str, Any] | None = None) -> dict[str, dict]:
        mean = [float(value) for value in model.mean_style]
        facts = {"mean": mean, "layers": int(model.num_styles), "noise": int(model.noise_size)}
        return {**super().views(model, options), "styles": facts}

    def page_signatures(self, model: keras.Model) -> dict[str, Any]:
        return stylegan_signatures.of_styles(model)


def mixing(model, styles):
    """A table: in the first row and column images of two sets of styles, elsewhere the first layers' of the column."""
    half = model.num_styles // 2
    coarse, fine = styles[: SHOWN // 2], styles[SHOWN : 2 * SHOWN - 1]
    first = np.asarray(model.synthesize(fine))
    rows = [np.concatenate([np.ones_like(first[:1]), first])]  # the corner is as white as the sheet
    for style in coarse:
        repeated = np.repeat(style[None], len(fine), axis=0)
        mixed = model.synthesize(model.mix(repeated, fine, half))
        rows.append(np.concatenate([model.synthesize(style[None]), mixed]))
    return [Block(np.concatenate(rows), f"the first {half} of {model.num_styles} layers from the left", SHOWN)]


def noise(model, styles):
    """Rows: the fixed noise, two others, none, and the deviation over 16 others, as many times as can be seen."""
    random = np.random.default_rng(1)
    others = [random.standard_normal((len(styles), model.noise_size)).astype("float32") for _ in range(16)]
    images = [np.asarray(model.synthesize(styles, one)) for one in others]
    rows = [model.synthesize(styles), *images[:2], model.synthesize(styles, np.zeros_like(others[0]))]
    deviation = np.std(images, axis=0)
    times = brightening(deviation.max())
    rows = np.concatenate([*rows, np.clip(times * deviation, 0, 1)])
    marks = ("fixed", "other", "other", "none", f"{times:,} std")
    return [Block(rows, "one style in each column", len(styles), marks)]


def brightening(most):
    """How many times as bright numbers up to `most` are drawn: 1, or a power of ten, or five times one.

    Example:

    >>> [brightening(most) for most in (1.0, 0.15, 0.003, 0.0)]
    [1, 5, 100, 1]
    """
    choices = [1, 5, 10, 50, 100, 500, 1000]
    return max(times for times in choices if times * most <= 1) if 0 < most <= 1 else 1


def truncation(model, latents):
    """A row for each factor."""
    rows = [np.asarray(model.generate(latents, truncation=psi)) for psi in TRUNCATIONS]
    marks = tuple(f"psi {psi:g}" for psi in TRUNCATIONS)
    return [Block(np.concatenate(rows), "one latent in each column", len(latents), marks)]
