"""Densities of latents over several scales: pictures of temperatures, of what each scale holds, of rates by group."""

import csv
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_dl.callbacks.sheets import Block, save_sheet
from keras_dl.tasks import drawing
from keras_dl.tasks.density import Density
from keras_dl.tasks.measure import Context

SHOWN = 8  # images in a row
TEMPERATURES = (0.4, 0.6, 0.8, 1.0)
DRAWS = 2  # of each scale


class Scales(Density):
    """The task of a hierarchical autoencoder with batch normalisation, such as `models.NVAE`.

    Beside what `Density` asks of a model with latents, it has a `networks.TopDown` as `decoder`, `recalibrate`,
    `sample(temperature=)` and `reconstruct(keep=)`, and logs the rate of each group.
    """

    card_pictures: tuple[str, ...] = ("temperatures.png", "scales.png", "samples_epoch_*.png")

    def __init__(self):
        super().__init__(latents=True)

    def pictures(self, model: keras.Model, data: Any, folder: Path, context: Context | None = None) -> dict[Path, str]:
        context = context or Context()
        pictures = super().pictures(model, data, folder, context)
        x, _ = data.first(data.pipelines(context.options, context.seed)[1], SHOWN)
        samples = temperatures(model)
        drawn = {
            "temperatures.png": ("Samples by temperature", samples, "samples of the same noise by temperature"),
            "scales.png": ("Scales drawn anew", scales(model, x), "held-out images of which one scale is drawn anew"),
        }
        for name, (what, blocks, meaning) in drawn.items():
            save_sheet(folder / name, drawing.title(what, model, data, context), blocks, across=blocks is samples)
            pictures[folder / name] = meaning
        history = context.folder and context.folder / "history.csv"
        if history and history.is_file():
            title = drawing.title("Rate of each group", model, data, context)
            if draw_rates(folder / "rates.png", history, scale_names(model), title):
                pictures[folder / "rates.png"] = "what each group of latents holds, in nats, over the epochs"
        return pictures


def scale_names(model):
    """The size of each group's latents, such as `"4x4"`, the coarsest first."""
    return ["x".join(map(str, shape[:-1])) for shape in model.decoder.latent_shapes]


def temperatures(model):
    """A row for each temperature, with the averages of training and with those of samples."""
    marks = tuple(f"t = {t:g}" for t in TEMPERATURES)
    weights = model.get_weights()
    plain = [np.asarray(model.sample(SHOWN, seed=0, temperature=t)) for t in TEMPERATURES]
    again = []
    for temperature in TEMPERATURES:
        model.recalibrate(temperature, batches=20)
        again.append(np.asarray(model.sample(SHOWN, seed=0, temperature=temperature)))
    model.set_weights(weights)
    headings = "batch statistics of training", "batch statistics of samples"
    first, second = (np.concatenate(rows) for rows in (plain, again))
    return [Block(first, headings[0], SHOWN, marks), Block(second, headings[1], SHOWN)]


def scales(model, x):
    """Originals, reconstructions, and draws of one scale from the prior given the latents of the others before it."""
    names = scale_names(model)
    rows, marks = [np.asarray(x), np.asarray(model.reconstruct(x))], ["original", "all groups"]
    for name in dict.fromkeys(names):
        keep = [index for index, other in enumerate(names) if other != name]
        for draw in range(DRAWS):
            rows.append(np.asarray(model.reconstruct(x, keep=keep, temperature=1.0, seed=draw)))
            marks.append(f"{name} anew, {draw + 1}")
    return [Block(np.concatenate(rows), "", len(x), tuple(marks))]


def draw_rates(path, history, names, title):
    """Draws the rates of groups over the epochs, one upon the other; returns whether there are any."""
    with history.open(newline="", encoding="utf-8") as file:
        table = list(csv.DictReader(file))
    columns = [f"rate_{number}" for number in range(1, len(names) + 1)]
    if not table or columns[-1] not in table[0]:
        return False
    plt = drawing.pyplot()
    figure, panel = plt.subplots(figsize=(8, 4.5), layout="constrained")
    rates = [[float(row[column]) for row in table] for column in columns]
    colours = plt.get_cmap("viridis")(np.linspace(0.1, 0.95, len(names)))
    labels = [f"group {number}, {name}" for number, name in enumerate(names, start=1)]
    epochs = [float(row["epoch"]) for row in table]
    if len(table) > 1:
        panel.stackplot(epochs, rates, labels=labels, colors=colours)
        panel.set(xlim=(epochs[0], epochs[-1]))
        panel.xaxis.get_major_locator().set_params(integer=True)
    else:  # an area of one epoch has no width
        below = np.concatenate([[0.0], np.cumsum(rates)[:-1]])
        for label, (rate,), bottom, colour in zip(labels, rates, below, colours, strict=True):
            panel.bar(epochs, rate, 0.4, bottom, label=label, color=colour)
        panel.set(xlim=(epochs[0] - 1, epochs[0] + 1), xticks=epochs)
    panel.set(xlabel="epoch", ylabel="rate, nats")
    handles, labels = panel.get_legend_handles_labels()
    figure.legend(handles[::-1], labels[::-1], loc="outside right upper", frameon=False, fontsize=9)
    drawing.finish_figure(path, figure, title)
    return True
