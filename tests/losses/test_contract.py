"""The contract of every loss, and of those saved inside compiled models."""

import keras
import numpy as np
import pytest

from keras_dl import losses
from keras_dl.testing import check_loss
from tests.contracts.fresh_process import losses_after_reload

RANDOM = np.random.default_rng(0)


def normal(*shape):
    return RANDOM.normal(size=shape).astype("float32")


def softmax(x):
    return np.exp(x) / np.exp(x).sum(-1, keepdims=True)


LABELS = np.array([[0, 2, -100], [1, 1, 2], [2, 0, 1], [-100, 0, 2]])
LOGITS = normal(4, 3, 3)
BITS = RANDOM.integers(2, size=(4, 3, 3))
PAIR = normal(4, 5), normal(4, 5)
SIGNS = np.array([1, -1, -1, 1])
CLASSES = np.array([0, 0, 1, 1])
WEIGHT = [1.0, 2.0, 0.5]

PARTS = {
    "l1": (losses.L1(), normal(4, 3), normal(4, 3)),
    "l2": (losses.L2(), normal(4, 3, 2), normal(4, 3, 2)),
    "smooth_l1": (losses.SmoothL1(beta=0.5), normal(4), normal(4)),
    "nll": (losses.NegativeLogLikelihood(weight=WEIGHT), LABELS, np.log(softmax(LOGITS))),
    "cross_entropy": (losses.CrossEntropy(), LABELS, LOGITS),
    "weighted": (losses.CrossEntropy(weight=np.array(WEIGHT), label_smoothing=0.1), LABELS, LOGITS),
    "soft": (losses.CrossEntropy(weight=WEIGHT), softmax(normal(4, 3, 3)), LOGITS),
    "binary": (losses.BinaryCrossEntropy(weight=2.0, pos_weight=WEIGHT), BITS[:, 0], softmax(LOGITS[:, 0])),
    "binary_logits": (losses.BinaryCrossEntropy(from_logits=True), BITS, LOGITS),
    "kl": (losses.KLDivergence(), softmax(normal(4, 5)), np.log(softmax(normal(4, 5)))),
    "ranking": (losses.MarginRanking(margin=0.5), SIGNS, (normal(4), normal(4))),
    "contrastive": (losses.Contrastive(margin=2.0), (SIGNS + 1) // 2, PAIR),
    "cosine": (losses.CosineEmbedding(), SIGNS, PAIR),
    "triplet": (losses.TripletMargin(swap=True, p=3.0), None, (*PAIR, normal(4, 5))),
    "triplet_all": (losses.TripletMargin(mining="all", margin=2.0), CLASSES, normal(4, 5)),
    "triplet_semi_hard": (losses.TripletMargin(mining="semi-hard", margin=4.0), CLASSES, normal(4, 5)),
    "triplet_hard": (losses.TripletMargin(mining="hard", margin=2.0), CLASSES, normal(4, 5)),
    "dice": (losses.Dice(from_logits=True), LABELS, LOGITS),
    "tversky": (losses.Tversky(alpha=0.3, beta=0.7, include_background=False), LABELS, softmax(LOGITS)),
    "dice_cross_entropy": (losses.DiceCrossEntropy(weight=WEIGHT), LABELS, LOGITS),
    "dice_binary": (losses.DiceCrossEntropy(), RANDOM.integers(2, size=(4, 6)), normal(4, 6, 1)),
    "focal": (losses.Focal(gamma=1.5, alpha=WEIGHT), LABELS, softmax(LOGITS)),
    "focal_binary": (losses.Focal(from_logits=True), RANDOM.integers(2, size=(4, 2, 1)), normal(4, 2, 1)),
}  # fmt: skip


def test_every_class_is_checked():
    classes = {getattr(losses, name) for name in losses.__all__ if isinstance(getattr(losses, name), type)}
    assert {type(loss) for loss, _, _ in PARTS.values()} == classes - {losses.Loss}


@pytest.mark.parametrize("name", PARTS)
@pytest.mark.grid(
    "smooth_l1",
    "weighted",
    "soft",
    "binary",
    "kl",
    "ranking",
    "contrastive",
    "cosine",
    "triplet",
    "triplet_semi_hard",
    "tversky",
    "dice_cross_entropy",
    "focal_binary",
)
def test_contract(name):
    check_loss(*PARTS[name])


def test_compiled_models_survive_a_fresh_process(tmp_path):
    models, expected = {}, {}
    for name, (loss, y_true, y_pred) in PARTS.items():
        if isinstance(y_pred, tuple):
            continue  # Keras compiles a loss for one output; test_fit.py stacks pairs into one tensor
        model = keras.Sequential([keras.Input(y_pred.shape[1:]), keras.layers.Identity()])
        model.compile(loss=loss)
        models[name] = model, y_pred, y_true
        expected[name] = float(loss(y_true, y_pred))
    results = losses_after_reload(models, tmp_path)
    assert results.keys() == expected.keys()
    for name, value in expected.items():
        np.testing.assert_allclose(results[name], value, rtol=1e-5, err_msg=name)
