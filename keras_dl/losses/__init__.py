"""Losses with torch's options: `keras.losses.Loss` classes that reduce, and functions that return a value per element.

Functions and classes take `(y_true, y_pred)`, classes or channels on the last axis; pair losses take
`(labels, (a, b))`, triplet losses `(anchor, positive, negative)`. What a loss averages over, and what it does where
there is nothing to average (0 with a finite gradient), is written at each class.
"""

from keras_dl.losses.base import Loss
from keras_dl.losses.binary_cross_entropy import BinaryCrossEntropy, binary_cross_entropy
from keras_dl.losses.cross_entropy import CrossEntropy, NegativeLogLikelihood, cross_entropy, negative_log_likelihood
from keras_dl.losses.dice_cross_entropy import DiceCrossEntropy, dice_cross_entropy
from keras_dl.losses.focal import Focal, focal
from keras_dl.losses.kl_divergence import KLDivergence, kl_divergence
from keras_dl.losses.overlap import Dice, Tversky, dice, tversky
from keras_dl.losses.pairs import (
    Contrastive,
    CosineEmbedding,
    MarginRanking,
    contrastive,
    cosine_embedding,
    margin_ranking,
)
from keras_dl.losses.regression import L1, L2, SmoothL1, l1, l2, smooth_l1
from keras_dl.losses.triplets import TripletMargin, triplet_margin

__all__ = [
    "L1",
    "L2",
    "BinaryCrossEntropy",
    "Contrastive",
    "CosineEmbedding",
    "CrossEntropy",
    "Dice",
    "DiceCrossEntropy",
    "Focal",
    "KLDivergence",
    "Loss",
    "MarginRanking",
    "NegativeLogLikelihood",
    "SmoothL1",
    "TripletMargin",
    "Tversky",
    "binary_cross_entropy",
    "contrastive",
    "cosine_embedding",
    "cross_entropy",
    "dice",
    "dice_cross_entropy",
    "focal",
    "kl_divergence",
    "l1",
    "l2",
    "margin_ranking",
    "negative_log_likelihood",
    "smooth_l1",
    "triplet_margin",
    "tversky",
]
