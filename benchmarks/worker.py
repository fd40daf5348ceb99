"""Times keras_dl's `fit`, or what it does without training, on request: one JSON object a line in, one out.

`{"cmd": "setup", "w": "W1", "v": "fit"}` builds and warms up, `{"cmd": "time", "w": ..., "v": ..., "seconds": 0.5}`
times about so long and answers `{"ok": true, "s": seconds a step}`. The peers' workers speak the same lines.
"""

import importlib
import json
import math
import os
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

#: Set by `benchmarks.compare --one-thread`.
ONE_THREAD = "KERAS_DL_ONE_THREAD"
#: Where workloads are that are not in `workloads.py`. A module has `TRAINING`, a function without arguments for each
#: workload that returns a compiled model and arguments of `fit`, or `INFERENCE`, a function of the variant that returns
#: the call to time, or both; and `PERIODS`, after how many steps the work begins anew, where steps are unlike.
MODULES = {"W8": "benchmarks.inference"} | dict.fromkeys(("W14", "W14g", "W15", "W16", "W17"), "benchmarks.images")
MODULES |= dict.fromkeys(("W9", "W9s", "W9a", "W9as", "W10", "W10s"), "benchmarks.families")
MODULES |= dict.fromkeys(("W11", "W11s", "W12", "W13"), "benchmarks.families")


def now():
    """Seconds on the clock; where `ONE_THREAD` is set, those of the processor, without the set-up of `fit`."""
    return time.process_time() if ONE_THREAD in os.environ else time.perf_counter()


class Clock:
    """Times and steps at the end of each call of the training function, while a flag is set."""

    def __init__(self, model, keras):
        clock = self

        class Marks(keras.callbacks.Callback):
            def on_train_batch_end(self, batch, logs=None):
                clock.marks.append((now(), int(model.state.step.numpy())))

        self.marks = []
        self.callback = Marks()

    def per_step(self, period=1):
        """Seconds a step from the first mark on, so that the set-up of `fit` is left out, over whole periods."""
        start, first = self.marks[0]
        stop, last = next(mark for mark in reversed(self.marks) if (mark[1] - first) % period == 0)
        return (stop - start) / (last - first)


class Training:
    """A compiled model and its data, run some steps at a time through `fit`, in whole periods of the work."""

    def __init__(self, build, variant, period=1):
        import keras

        from keras_dl.models.fitting.choosing import choose_kernel

        keras.utils.set_random_seed(0)
        self.model, self.data = build()
        if variant == "keras_adam":
            for update in self.model.updates:
                choose_kernel(update.optimizer, fused=False)
        self.clock, self.period = Clock(self.model, keras), period
        self.seconds = 0.01

    @property
    def note(self):
        """What the model chose, and its size."""
        weights = sum(math.prod(weight.shape) for weight in self.model.trainable_variables)
        return f"xla={self.model.jit_compile} stack={self.model.steps_per_execution} weights={weights}"

    def run(self, steps):
        """Seconds a step over about `steps` steps."""
        self.clock.marks.clear()
        data = dict(self.data)
        if "batch_size" in data:  # in-memory arrays: whole batches of the first rows
            data["x"] = data["x"][: max(64, steps) * data["batch_size"]]
            epochs = max(1, round(steps * self.data["batch_size"] / len(data["x"])))
            self.model.fit(**data, epochs=epochs, verbose=0, callbacks=[self.clock.callback])
        else:
            if self.period > 1:  # and four steps more, which may be stacked in front of the first mark
                steps = max(1, round(steps / self.period)) * self.period + 4
            self.model.fit(**data, steps_per_epoch=steps, verbose=0, callbacks=[self.clock.callback])
        self.seconds = self.clock.per_step(self.period)
        return self.seconds

    def steps_for(self, seconds):
        """How many steps take about so long: a multiple of 32, so that stacks leave no rest, or few large steps."""
        steps = seconds / self.seconds
        return max(32, round(steps / 32) * 32) + 1 if steps > 16 else max(3, round(steps) + 1)


class Inference:
    """A function that users call for results, called again and again."""

    def __init__(self, call):
        self.call = call
        self.note, self.seconds = "", 0.01

    def run(self, calls):
        """Seconds a call over `calls` calls, the result of each fetched."""
        start = now()
        for _ in range(calls):
            self.call()
        self.seconds = (now() - start) / calls
        return self.seconds

    def steps_for(self, seconds):
        """How many calls take about so long, three at least if these take no more than three seconds."""
        return max(3 if self.seconds < 1.0 else 1, round(seconds / self.seconds))


def measured(workload, variant):
    """A workload, ready to be timed; variant `keras_adam` of training moves weights as Keras composes its Adam."""
    module = importlib.import_module(MODULES.get(workload, "benchmarks.workloads"))
    if workload in getattr(module, "INFERENCE", {}):
        return Inference(module.INFERENCE[workload](variant))
    return Training(module.TRAINING[workload], variant, getattr(module, "PERIODS", {}).get(workload, 1))


def serve(measured):
    """Answers lines until `quit`.

    Args:
        measured: Function of a workload and a variant that returns an object like `Inference`.
    """
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    def say(**answer):
        out.write(json.dumps(answer) + "\n")
        out.flush()

    say(ready=True, import_s=0.0)
    live = {}
    for line in sys.stdin:
        command = json.loads(line)
        try:
            if command["cmd"] == "quit":
                return
            if command["cmd"] == "drop":
                live.clear()
                say(ok=True)
            elif command["cmd"] == "setup":
                start = time.perf_counter()
                training = live[command["w"], command["v"]] = measured(command["w"], command["v"])
                training.run(65 if command["w"] in ("W1", "W1p") else 3)
                first = time.perf_counter() - start
                training.run(training.steps_for(0.3))
                say(ok=True, build_s=first, first_s=first, est=training.seconds, note=training.note)
            else:
                training = live[command["w"], command["v"]]
                say(ok=True, s=training.run(training.steps_for(command["seconds"])), n=0)
        except Exception as error:  # the driver reports it and goes on with the others
            say(ok=False, error=f"{type(error).__name__}: {str(error)[:300]}")


if __name__ == "__main__":
    serve(measured)
