"""The cases of the frozen torch values: inputs and options of losses and layers, random and extreme."""

import itertools

import numpy as np

RANDOM = np.random.default_rng(2026)


def normal(*shape, scale=1.0):
    return (scale * RANDOM.normal(size=shape)).astype("float32")


def uniform(*shape, low=0.0, high=1.0):
    return RANDOM.uniform(low, high, size=shape).astype("float32")


def integers(high, *shape):
    return RANDOM.integers(high, size=shape).astype("int32")


def distributions(*shape):
    """Class probabilities on the last axis, a few of them exactly 0."""
    x = RANDOM.gamma(0.5, size=shape) * (RANDOM.uniform(size=shape) > 0.2) + 1e-3 * np.eye(shape[-1])[0]
    return (x / x.sum(-1, keepdims=True)).astype("float32")


def log_softmax(x):
    x = x.astype("float64") - x.max(-1, keepdims=True)
    return (x - np.log(np.exp(x).sum(-1, keepdims=True))).astype("float32")


def softmax(x):
    return np.exp(log_softmax(x))


def with_label(labels, value, share=0.3):
    return np.where(RANDOM.uniform(size=labels.shape) < share, value, labels).astype("int32")


def loss_cases():
    """(class, options, y_true, predictions)."""
    yield from regression_cases()
    yield from class_cases()
    yield from binary_cases()
    yield from divergence_cases()
    yield from pair_cases()
    yield from triplet_cases()
    yield from overlap_cases()
    yield from focal_cases()


def regression_cases():
    y, x = normal(4, 3, 2), normal(4, 3, 2, scale=2.0)
    x[0], x[1, 0], y[2] = y[0], [1e4, -1e4], 0.0
    x[2] = [[1.0, -1.0], [0.25, -0.25], [0.0, 1e-7]]  # at the kinks of beta = 1 and 0.25
    for loss in ("L1", "L2", "SmoothL1"):
        yield loss, {}, y, x
    for beta in (0.0, 0.25, 3.0):
        yield "SmoothL1", {"beta": beta}, y, x


def class_cases():
    weight = [0.5, 2.0, 0.0, 1.5, 3.0]
    for shape in ((8,), (3, 4), (2, 3, 4), (2, 2, 3, 2)):
        labels, logits = integers(5, *shape), normal(*shape, 5, scale=3.0)
        far = normal(*shape, 5, scale=1e4)
        for options in ({}, {"weight": weight}):
            yield "CrossEntropy", options, labels, logits
            yield "CrossEntropy", options, labels, far
            yield "CrossEntropy", options, with_label(labels, -100), logits
            yield "CrossEntropy", {**options, "ignore_index": 3}, labels, logits
            yield "CrossEntropy", {**options, "label_smoothing": 0.2}, with_label(labels, -100), logits
            yield "CrossEntropy", {**options, "label_smoothing": 0.1, "ignore_index": 1}, labels, far
            yield "CrossEntropy", options, distributions(*shape, 5), logits
            yield "CrossEntropy", {**options, "label_smoothing": 0.3}, distributions(*shape, 5), logits
            yield "NegativeLogLikelihood", options, labels, log_softmax(logits)
            yield "NegativeLogLikelihood", {**options, "ignore_index": 0}, labels, log_softmax(far)
            yield "NegativeLogLikelihood", options, with_label(labels, -100), normal(*shape, 5)
    yield "CrossEntropy", {"label_smoothing": 1.0}, integers(5, 8), normal(8, 5)


def binary_cases():
    p = np.concatenate([uniform(5, 3), [[0, 1, 0.5], [0, 1, 1], [1e-30, 1e-7, 1 - 6e-8]]]).astype("float32")
    hard, soft = integers(2, 8, 3), uniform(8, 3)
    logits = np.concatenate([normal(4, 3, scale=4.0), [[1e4, -1e4, 0], [-1e4, 1e4, 100], [20, -20, 0], [5, -5, 90]]])
    for y in (hard, soft):
        for weight in (None, [[0.5], [2], [1], [0], [3], [1], [2], [1]], [0.3, 1.0, 2.0]):
            yield "BinaryCrossEntropy", {"weight": weight}, y, p
            for pos_weight in (None, 2.5, [0.5, 1.0, 4.0]):
                options = {"weight": weight, "pos_weight": pos_weight, "from_logits": True}
                yield "BinaryCrossEntropy", options, y, logits.astype("float32")


def divergence_cases():
    y, x = distributions(4, 3, 5), log_softmax(normal(4, 3, 5, scale=3.0))
    x[0] = -1e4
    yield "KLDivergence", {}, y, x
    yield "KLDivergence", {"log_target": True}, log_softmax(normal(4, 3, 5, scale=20.0)), x


def pair_cases():
    labels = np.where(uniform(12) > 0.5, 1, -1).astype("int32")
    scores = normal(12), normal(12)
    scores[1][:3] = scores[0][:3]
    for margin in (0.0, 0.5):
        yield "MarginRanking", {"margin": margin}, labels, scores
        yield "MarginRanking", {"margin": margin}, labels.reshape(4, 3), tuple(1e4 * s.reshape(4, 3) for s in scores)
    a, b = normal(12, 6), normal(12, 6)
    a[0], b[1], b[2], b[3] = 0.0, 0.0, a[2], -a[3]
    a[4], b[4], a[5] = 0.0, 0.0, 1e4 * a[5]
    for margin in (0.0, 0.3, -0.2):
        yield "CosineEmbedding", {"margin": margin}, labels, (a, b)
        yield "CosineEmbedding", {"margin": margin}, -labels, (a, b)
    for margin in (1.0, 3.0):
        yield "Contrastive", {"margin": margin}, (labels > 0).astype("float32"), (a, b)
        yield "Contrastive", {"margin": margin}, uniform(12), (0.2 * a, 0.2 * b)


def triplet_cases():
    anchor, positive, negative = normal(10, 6), normal(10, 6), normal(10, 6)
    positive[0], negative[1], negative[2] = anchor[0], anchor[1], positive[2]
    positive[3] = negative[3] = anchor[3]
    positive[4] *= 1e4
    for p, swap, margin in itertools.product((1.0, 2.0, 3.0, 1.5, float("inf")), (False, True), (1.0, 0.2)):
        yield "TripletMargin", {"p": p, "swap": swap, "margin": margin}, None, (anchor, positive, negative)
    yield "TripletMargin", {"eps": 1e-3}, None, (normal(4, 3, 5), normal(4, 3, 5), normal(4, 3, 5))
    labels, embeddings = np.array([0, 0, 1, 1, 1, 2, 0, 3, 2], "int32"), normal(9, 3, scale=0.5)
    for mining, swap, p in itertools.product(("all", "semi-hard", "hard"), (False, True), (2.0, 1.0)):
        yield "TripletMargin", {"mining": mining, "swap": swap, "p": p, "margin": 0.7}, labels, embeddings


def overlap_cases():
    labels, logits = integers(3, 2, 5, 4), normal(2, 5, 4, 3, scale=2.0)
    missing = np.where(labels == 2, 1, labels)
    ignored = with_label(missing, 255)
    for smooth, background in itertools.product((0.0, 1.0), (True, False)):
        options = {"smooth": smooth, "include_background": background}
        for loss, extra in (("Dice", {}), ("Tversky", {"alpha": 0.3, "beta": 0.7})):
            yield loss, {**options, **extra}, labels, softmax(logits)
            yield loss, {**options, **extra, "from_logits": True}, missing, logits
            yield loss, {**options, **extra, "from_logits": True, "ignore_index": 255}, ignored, 100 * logits
        yield "DiceCrossEntropy", options, labels, logits
        yield "DiceCrossEntropy", {**options, "weight": [0.5, 2.0, 1.0], "ignore_index": 255}, ignored, logits
        yield "DiceCrossEntropy", {**options, "dice_weight": 0.4, "cross_entropy_weight": 2.0}, missing, 100 * logits
    masks = uniform(2, 5, 4, 3).round()
    yield "Dice", {"from_logits": True, "multilabel": True}, masks, logits
    yield "Dice", {}, uniform(2, 6, 1), uniform(2, 6, 1)
    yield "Tversky", {"alpha": 1.0, "beta": 0.0, "smooth": 0.5, "from_logits": True}, integers(2, 2, 6), normal(2, 6, 1)
    yield "DiceCrossEntropy", {}, integers(2, 2, 6), normal(2, 6, 1)


def focal_cases():
    targets, logits = integers(2, 6, 1), np.array([[0.3], [-2], [40], [-40], [1e4], [-1e4]], "float32")
    for gamma in (0.0, 0.5, 1.0, 2.0, 5.0):
        yield "Focal", {"gamma": gamma, "from_logits": True}, targets, normal(6, 1, scale=3.0)
        yield "Focal", {"gamma": gamma, "alpha": 0.6}, targets, uniform(6, 1, low=0.01, high=0.99)
        yield "Focal", {"gamma": gamma, "from_logits": True, "alpha": None}, integers(3, 2, 4), normal(2, 4, 3)
    for gamma in (0.0, 1.0, 2.0):
        yield "Focal", {"gamma": gamma, "from_logits": True}, targets, logits
        yield "Focal", {"gamma": gamma, "from_logits": True}, 1 - targets, logits
    yield "Focal", {"from_logits": True, "multilabel": True}, uniform(2, 4, 3), normal(2, 4, 3)
    ignored = with_label(integers(3, 2, 4), 7)
    yield "Focal", {"alpha": [0.2, 1.0, 0.7], "ignore_index": 7}, ignored, softmax(normal(2, 4, 3))


def layer_cases():
    """(options of the local response normalisation, inputs)."""
    for size in (1, 2, 3, 4, 5, 9):
        yield {"size": size}, normal(2, 3, 4, 7, scale=30.0)
        yield {"size": size, "alpha": 0.5, "beta": 1.25, "k": 2.0}, normal(2, 5, 6, scale=2.0)
    extreme = normal(1, 2, 3, 6, scale=1e4)
    extreme[0, 0] = 0.0
    extreme[0, 1, 0] = [1e4, 0, 0, -1e4, 0, 1e-4]
    yield {"size": 5, "alpha": 5e-4, "k": 2.0}, extreme
    yield {"size": 3, "alpha": 1.0, "beta": 0.5}, normal(2, 2, 3, 2, 4)
