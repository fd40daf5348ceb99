"""What the tests of keras_dl.search run in processes of their own. Nothing here may start TensorFlow when imported."""

import json
import os
import select
import signal
import time
import warnings
from types import SimpleNamespace

import keras
import numpy as np
import tensorflow as tf

import keras_dl
from keras_dl import search, tasks
from keras_dl.search import apart, forked
from tests.processes import exists

X = np.random.default_rng(0).random((40, 4)).astype("float32")
Y = X @ np.float32([[1.0], [-2.0], [0.5], [3.0]])
DATA = tasks.Arrays("points", X, Y, X[:12] * 0.5, Y[:12] * 0.5, conditional=True)


def replies(question, say):
    """What the forked processes of the tests answer."""
    match question:
        case "fail":
            raise FileNotFoundError(2, "No such file", "somewhere")
        case "wait":
            say(os.getpid())
            time.sleep(60)
        case "die":
            os.kill(os.getpid(), signal.SIGKILL)
        case "run":
            return float(tf.reduce_sum(tf.ones(3))), False
    say("half")
    return [question, os.getpid()], question == "last"


def answered():
    """What comes of questions to a forked process; the process that each of them met."""
    asked, heard = forked.Forked(replies), []
    (first, one), (_, two), (_, three) = [asked.ask(text, heard.append) for text in ("a", "last", "b")]
    found = {"first": first, "heard": heard, "same": one == two, "next": two != three, "run": asked.ask("run")}
    try:
        asked.ask("given up", lambda message: 1 / 0)
    except ZeroDivisionError:
        found["other"] = asked.ask("other")[0]
    try:
        asked.ask("fail")
    except OSError as error:
        found["error"] = [type(error).__name__, str(error), "in replies" in error.__notes__[0]]
    try:
        asked.ask("die")
    except forked.Ended as error:
        found["ended"] = str(error)
    idle = asked.ask("c", heard.append)[1]
    os.kill(idle, signal.SIGKILL)
    select.select([asked._channel], [], [], 60)  # until that is told
    found["after"] = asked.ask("d", heard.append)[0]
    supervisor = asked._process
    asked.close()
    found["left"] = exists(supervisor) or exists(three)
    return found


def interrupted():
    """Whether a process that was interrupted over a question is gone, after it and those that wait are closed."""
    asked, workers = forked.Forked(replies), []

    def check():
        if workers:
            raise KeyboardInterrupt

    try:
        asked.ask("wait", workers.append, check)
    except KeyboardInterrupt:
        asked.close()
    return not exists(workers[0])


def asks_and_dies(file):
    """Is killed while a forked process works; writes the numbers of all processes before."""
    asked = forked.Forked(replies)

    def die(worker):
        file.write_text(json.dumps([worker, asked._process]))
        os.kill(os.getpid(), signal.SIGKILL)

    asked.ask("wait", die)


def possible():
    """Whether this process can be forked, before and after it has run TensorFlow."""
    before = search.is_possible()
    tf.constant(1.0)
    after = search.is_possible()
    try:
        forked.Forked(replies)
    except RuntimeError as error:
        return before, after, str(error)


def build(hp, data_spec):
    units = hp.Int("units", 3, 5)
    layers = [keras.Input(data_spec.shape), keras.layers.Dense(units)]
    if hp.Choice("network", ["flat", "deep"]) == "deep":
        layers.append(keras.layers.Dense(hp.Int("more", 2, 8)))
    if units == 4:
        raise ValueError("Units should not be four. Received: 4")
    if units == 5:
        os.kill(os.getpid(), signal.SIGKILL)
    warnings.warn("the batch is small", stacklevel=1)
    model = keras_dl.models.Supervised(keras.Sequential([*layers, keras.layers.Dense(1)]))
    rate = hp.Float("learning_rate", 1e-3, 1e-1, sampling="log")
    model.compile(keras.optimizers.Adam(rate), loss="mean_squared_error", jit_compile=False)
    return model


def fit_options(hp):
    return {"batch_size": hp.Int("batch_size", 4, 8, default=8), "epochs": hp.Fixed("epochs", 3)}


RECIPE = SimpleNamespace(build=build, fit_options=fit_options, TASK=tasks.Task("values"))


class Bars(keras.callbacks.Callback):
    """Stands for bars over the epochs of a trial: notes what one would show."""

    acts_on_batches = False

    def __init__(self, told, span):
        super().__init__()
        self.told = told
        self.told.append(span)

    def __enter__(self):
        return [self]

    def __exit__(self, *_):
        self.told.append("closed")

    def on_train_begin(self, logs=None):
        self.told.append(self.params["epochs"])

    def on_train_batch_end(self, batch, logs=None):
        if batch == 0:
            self.told.append(self.model.phases.label(self.model.state.ran_in))

    def on_epoch_end(self, epoch, logs=None):
        self.told.append((epoch, sorted(logs), logs["loss"]))


def searched(path, tuner, trials, values, in_one, growth):
    """Searches in this process or apart; returns what was said and noted, and the processes that trained."""
    apart.GROWTH = growth
    lines, notes, bars = [], [], []
    listener = search.Listener(lines.append, notes.append, bar=lambda *span: Bars(bars, span))
    place = None if in_one else search.Apart(RECIPE, DATA)
    plan = search.Plan.make(RECIPE, DATA, values) if in_one else place.plan(values)
    config = {"tuner": tuner, "trials": trials, "seed": 0, "features": None, **plan.described()}
    folder = search.SearchFolder(path)
    folder.create()
    folder.write_config(config)
    begun = search.Search(plan, folder, config, listener, place)
    begun.search()
    begun.trainer.close()
    return {"lines": lines, "notes": notes, "bars": bars, "plan": plan.state(), "untouched": search.is_possible()}
