"""Kinds of arguments that the signatures of several parts name."""

import os
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import keras

#: A tensor, or what TensorFlow makes one of: an array, a number, nested lists.
Tensor = Any
#: A tensor, or dicts, tuples or lists of nests.
Nest = Any
#: Sizes of axes without that of the batch; `None` for any size, where a docstring says so.
Shape = Sequence[int | None]
#: A number per axis of an image or volume; one number stands for all of them.
Sizes = int | Sequence[int]
#: What Keras takes for an activation: a name, a configuration, a function or a layer.
Activation = str | dict | Callable
#: What convolutions take for a normalisation: its name, or a layer or its configuration, of which each gets a copy.
Normalization = str | dict | keras.layers.Layer
#: What Keras takes for an initializer: a name, a configuration or a function, which an `Initializer` is.
Initializer = str | dict | Callable
#: What Keras takes for a regularizer: a name, a configuration or a function, which a `Regularizer` is.
Regularizer = str | dict | Callable
#: What Keras takes for an optimizer: a name, a configuration or an object.
Optimizer = str | dict | keras.optimizers.Optimizer
#: Where a file or folder is.
PathLike = str | os.PathLike
#: What goes through items and may show how far it is: `track(items, title)`.
Track = Callable[[Iterable, str], Iterable]
#: What is told lines of text.
Say = Callable[[str], None]
