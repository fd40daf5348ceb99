"""Picture of the scores by which a model tells anomalies from normal samples."""

import numpy as np

from keras_dl.tasks.drawing import finish_figure, pyplot

BINS = 24


def draw_scores(path, scores, anomalous, names, title=None):
    """Draws how often each score has which values, of normal samples and of anomalies.

    Both are shares of their own kind, as there are far fewer anomalies; the bins are the same.

    Args:
        path: the PNG file.
        scores: dict of arrays by the name of the score, one value per sample.
        anomalous: booleans, which samples are anomalies.
        names: what normal samples and anomalies are called, a pair.
        title: the line above the panels; None for none.
    """
    plt = pyplot()
    size = (4.8 * len(scores), 3.6)
    figure, panels = plt.subplots(1, len(scores), figsize=size, squeeze=False, layout="constrained")
    for (name, values), panel in zip(scores.items(), panels[0], strict=True):
        bins = np.histogram_bin_edges(values[np.isfinite(values)], BINS)
        for kind, label, colour in ((~anomalous, names[0], "tab:blue"), (anomalous, names[1], "tab:orange")):
            share = np.full(kind.sum(), 1 / max(1, kind.sum()))
            panel.hist(values[kind], bins, weights=share, label=label, color=colour, alpha=0.6)
        panel.set(xlabel=f"score by {name}: anomalies should lie on the right", ylabel="share")
        panel.legend(frameon=False)
    finish_figure(path, figure, title)
