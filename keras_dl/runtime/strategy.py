"""Strategies: one device, several devices of a machine, or several machines."""

import functools
import json
import os
from collections.abc import Sequence

import tensorflow as tf

from keras_dl.checks import refusal

NAMES = ("auto", "none", "mirrored", "multi_worker")


def strategy(name: str = "auto", devices: int | Sequence[str] | None = None) -> tf.distribute.Strategy:
    """Creates the `tf.distribute.Strategy` under which a model is built; the only place that creates one.

    Build and compile the model in its scope; `fit`, `evaluate` and `predict` then divide every batch among the
    replicas. A model that trains on two replicas takes the steps that it would take on one.

    Args:
        name: `"none"`: one device. `"mirrored"`: several devices of this machine. `"multi_worker"`: several
            processes, on this machine or others, which the environment variable `TF_CONFIG` lists
            (`python -m apps.launch` sets it). `"auto"`: `"multi_worker"` if `TF_CONFIG` is set, else `"mirrored"`
            if there are several GPUs or `devices` asks for several, else `"none"`.
        devices: For `"mirrored"`, how many devices, or a list of their names. `None` means every GPU. On a machine
            without GPUs devices are logical CPU devices, two by default: slower than one, but everyone can try.

    Returns:
        A `tf.distribute.Strategy`; for `"none"` the default one, whose scope changes nothing. The same devices give
        the same strategy at every call.

    Raises:
        ValueError: If the name is unknown, more devices are asked for than there are, or `TF_CONFIG` is not as
            TensorFlow wants it.
        RuntimeError: If TensorFlow is in use already and can no longer be given devices or workers.

    Example:

    >>> strategy = keras_dl.runtime.strategy("none")
    >>> with strategy.scope():
    ...     network = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    >>> strategy.num_replicas_in_sync
    1
    """
    if name not in NAMES:
        raise refusal(f"name should be one of {', '.join(NAMES)}", name=name)
    if isinstance(devices, bool) or not isinstance(devices, (int, list, tuple, type(None))) or devices in (0, [], ()):
        raise refusal("devices should be a positive integer, a list of names or None", devices=devices)
    if isinstance(devices, int) and devices < 1:
        raise refusal("devices should be a positive integer", devices)
    if name == "auto":
        name = _choose(devices)
    if name == "none":
        if devices not in (None, 1):
            raise refusal("'none' is one device: choose 'mirrored' for several", devices=devices)
        return tf.distribute.get_strategy()
    if name == "mirrored":
        return _mirrored(tuple(_devices(devices)))
    return _multi_worker(devices)


def is_chief() -> bool:
    """Whether this process is the one that writes files: the first worker, or the only process."""
    task = _task()
    if task is None:
        return True
    kind, index, cluster = task
    return kind == "chief" or (kind == "worker" and index == 0 and "chief" not in cluster)


def _choose(devices):
    if _task() is not None:
        return "multi_worker"
    several = len(tf.config.list_physical_devices("GPU")) > 1 if devices is None else devices != 1
    return "mirrored" if several else "none"


@functools.cache
def _mirrored(devices):
    """One strategy for the same devices: TensorFlow numbers the collectives of a second one like the first one's."""
    return tf.distribute.MirroredStrategy(devices)


def _devices(devices):
    """Names of the devices, which are made if there is no GPU."""
    if isinstance(devices, (list, tuple)):
        return list(devices)
    gpus = len(tf.config.list_physical_devices("GPU"))
    if not gpus:
        count = 2 if devices is None else devices
        _make_logical_cpus(count)
        return [f"CPU:{index}" for index in range(count)]
    if devices is not None and devices > gpus:
        raise refusal(f"devices should be at most {gpus}, the number of GPUs", devices)
    return [f"GPU:{index}" for index in range(devices or gpus)]


def _make_logical_cpus(count):
    cpu = tf.config.list_physical_devices("CPU")[0]
    if len(tf.config.get_logical_device_configuration(cpu) or [None]) >= count:
        return
    try:
        tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * count)
    except RuntimeError as error:
        raise refusal(
            f"The CPU should be divided into {count} devices before TensorFlow is first used: call strategy() "
            "ahead of building models and making tensors",
            "a call after TensorFlow had started",
            error=RuntimeError,
        ) from error


def _task():
    """`(kind, index, cluster)` of this process by `TF_CONFIG`; `None` if it is not set or lists no workers."""
    text = os.environ.get("TF_CONFIG")
    if not text:
        return None
    try:
        config = json.loads(text)
        cluster = config.get("cluster") or {}
        if not cluster:
            return None
        kind, index = config["task"]["type"], int(config["task"]["index"])
        if not 0 <= index < len(cluster[kind]):
            raise ValueError(f"no {kind} {index} in the cluster")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise refusal(
            'TF_CONFIG should be JSON such as {"cluster": {"worker": ["host:port", ...]}, "task": {"type": '
            '"worker", "index": 0}}',
            f"{text!r} ({error})",
        ) from error
    return kind, index, cluster


def _multi_worker(devices):
    if devices is not None:
        raise refusal("The workers of 'multi_worker' use all their GPUs", devices=devices)
    if _task() is None:
        raise refusal(
            "'multi_worker' wants the environment variable TF_CONFIG, which lists the workers; on one machine "
            "`python -m apps.launch --workers 2 -- COMMAND` sets it",
            "no TF_CONFIG",
        )
    try:
        return tf.distribute.MultiWorkerMirroredStrategy()
    except RuntimeError as error:
        raise refusal(
            "Workers should be connected before TensorFlow is first used: call strategy() ahead of building "
            "models and making tensors",
            error,
            error=RuntimeError,
        ) from error
