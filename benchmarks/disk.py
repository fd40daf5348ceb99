"""Data on disk: the memory of training on 10,000 and on 1,000,000 images, and the time beside arrays in memory.

    python -m benchmarks.disk                 # ten minutes on two cores, and 4 GB of disk for a while
    python -m benchmarks.disk memory          # a part: pictures, loaders or memory

Writes benchmarks/results/disk.json.
"""

import itertools
import json
import multiprocessing
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks import process_memory
from benchmarks.stamp import stamp

RESULTS = Path(__file__).parent / "results" / "disk.json"
COUNTS = (10_000, 1_000_000)
EPOCHS = 4
PICTURES = 5_000
BATCHES = 100


def write_images(path, count):
    """Writes made-up images of 64x64 pixels as a `.npy` file, some thousands of them again and again."""
    some = np.random.default_rng(0).integers(0, 256, (5_000, 64, 64, 1), "uint8")
    array = np.lib.format.open_memmap(path, "w+", "uint8", (count, 64, 64, 1))
    for start in range(0, count, len(some)):
        array[start : start + len(some)] = some[: count - start]
    array.flush()


def write_pictures(folder):
    """Writes MNIST's first images as PNG files in a folder per class; returns them as an array with labels."""
    from PIL import Image

    import keras_dl

    (x, y), _ = keras_dl.data.load("mnist")
    for row in range(PICTURES):
        path = folder / str(y[row]) / f"{row:05d}.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray((x[row, ..., 0] * 255).astype("uint8")).save(path)
    return x[:PICTURES], y[:PICTURES]


def vae(shape, latent_size=8, hidden=(64,)):
    import keras_dl

    encoder = keras_dl.networks.mlp_encoder(shape, latent_size, hidden=hidden)
    decoder = keras_dl.networks.mlp_decoder(latent_size, shape, hidden=hidden)
    model = keras_dl.models.VAE(encoder, decoder, seed=0)
    model.compile("adam")
    return model


def classifier(shape):
    import keras_dl

    model = keras_dl.models.Supervised(keras_dl.networks.lenet5(shape, 10), seed=0)
    model.compile("adam", loss=keras_dl.losses.CrossEntropy(), metrics=["accuracy"])
    return model


def memory(path, sender):
    """Sends the peak of this process' memory in MB, and images per second, of an epoch on a `.npy` file."""
    import keras_dl

    x = keras_dl.data.open(path).x
    model, began = vae(x.shape[1:], 2, (8,)), time.perf_counter()
    model.fit(x, batch_size=500, epochs=1, verbose=0)
    seconds = time.perf_counter() - began
    peak = round(process_memory.memory("VmHWM") / 2**20)
    sender.send({"images": len(x), "peak_MB": peak, "images_per_second": round(len(x) / seconds)})


def times(model, *data):
    """Seconds of every epoch of a `fit`."""
    import keras

    class Clock(keras.callbacks.Callback):
        acts_on_batches = False

        def on_epoch_begin(self, epoch, logs=None):
            self.began = time.perf_counter()

        def on_epoch_end(self, epoch, logs=None):
            self.seconds.append(time.perf_counter() - self.began)

    clock = Clock()
    clock.seconds = []
    model.fit(*data, batch_size=128, epochs=EPOCHS, callbacks=[clock], verbose=0)
    return clock.seconds


def speed(folder, sender):
    """Sends the seconds of epochs on a folder of PNG files beside those on the same images in memory, in turn."""
    import keras_dl

    x, y = write_pictures(folder)
    results = {}
    for name, make in {"lenet": classifier, "vae": lambda shape: vae(shape, 16, (256, 256))}.items():
        model = make(x.shape[1:])
        arguments = (x, y) if name == "lenet" else (x,)
        times(model, *arguments)  # compiles
        in_memory, on_disk, first = [], [], []
        for _ in range(3):
            data = keras_dl.data.open(folder)
            in_memory += times(model, *arguments)[1:]
            seconds = times(model, data.x, data.y) if name == "lenet" else times(model, data.x)
            first.append(seconds[0])
            on_disk += seconds[1:]
        results[name] = {
            "in memory": round(statistics.median(in_memory), 3),
            "first epoch on disk": round(statistics.median(first), 3),
            "later epochs on disk": round(statistics.median(on_disk), 3),
        }
    sender.send(results)


def alone(function, *arguments):
    """What a function sends from a new process."""
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=function, args=(*arguments, sender))
    process.start()
    result = receiver.recv()
    process.join()
    return result


def loaders(path, sender):
    """Sends images per second of shuffled batches of 500 of images of 64x64, by the pipeline and by grain.

    Both read the same column; grain one image at a time, in its default number of threads.
    """
    import keras_dl

    column = keras_dl.data.open(path).x
    rates = {"keras_dl.data.pipeline": [], "grain": []}
    for repeat in range(3):
        batches = itertools.islice(keras_dl.data.pipeline(column, batch_size=500, seed=repeat), BATCHES)
        began = time.perf_counter()
        rows = sum(len(batch) for batch in batches)
        rates["keras_dl.data.pipeline"].append(rows / (time.perf_counter() - began))
        try:
            import grain
        except ImportError:
            continue
        dataset = grain.MapDataset.source(column).shuffle(seed=repeat).batch(500).to_iter_dataset()
        batches = itertools.islice(dataset, BATCHES)
        began = time.perf_counter()
        rows = sum(len(batch) for batch in batches)
        rates["grain"].append(rows / (time.perf_counter() - began))
    sender.send({name: round(statistics.median(values)) for name, values in rates.items() if values})


def main():
    parts = sys.argv[1:] or ["pictures", "loaders", "memory"]
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.npy"
        if "pictures" in parts:
            pictures = Path(folder) / "pictures"
            pictures.mkdir()
            results["seconds per epoch of 5,000 PNG files"] = {**stamp(), **alone(speed, pictures)}
        if "loaders" in parts:
            write_images(path, max(COUNTS) // 5)
            results["images per second read"] = {**stamp(), **alone(loaders, path)}
            record(results)
        if "memory" in parts:
            peaks = []
            for count in COUNTS:
                write_images(path, count)
                peaks.append(alone(memory, path))
            results["memory"] = {**stamp(), "epochs": peaks}
    record(results)


def record(results):
    """Writes and shows the results."""
    text = json.dumps(results, indent=1)
    RESULTS.write_text(text + "\n")
    print(text)


if __name__ == "__main__":
    main()
