"""What embeddings trained by triplets are worth, beside a classifier of the same trunk.

    KERAS_DL_DATA=FOLDER python -m benchmarks.embeddings --out benchmarks/results/embeddings.json

The recipe `siamese` (a LeNet whose last layer is the embedding of 16, the semi-hard triplets of every batch), the same
with the hardest triplets, and the same LeNet with a layer of classes in the embedding's place: one optimizer, data
order and number of steps. Embeddings are judged by
the five nearest training images, the classifier by its highest score, and its last hidden layer like the embeddings.
Runs whose figures are in `--out` are not run again; `--pictures` draws the embeddings of the held-out images.
"""

import argparse
import functools
import json
import os
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras

import keras_dl
from benchmarks.classifiers import accuracy, summary
from benchmarks.recipes import recipe
from benchmarks.stamp import stamp
from keras_dl.runs import space
from keras_dl.tasks import drawing

siamese = recipe("siamese")

#: Epochs of each data set.
EPOCHS = {"digits": 60, "fashion_mnist": 5}


def neighbours(model, data):
    """Share of the held-out images whose class most of their five nearest training images have."""
    x, x_test = (model.predict(part, batch_size=500, verbose=0) for part in (data.x, data.x_test))
    return float(keras_dl.metrics.knn_accuracy(x, data.y, x_test, data.y_test).value)


def embedded(data, seed, epochs, **chosen):
    """Trains the recipe's model; returns it and its figures."""
    model, options, _ = space.build(siamese, data.spec, chosen, seed)
    model.fit(data.pipelines(options, seed)[0], epochs=epochs, verbose=0)
    return model, {"knn_accuracy": neighbours(model, data)}


def classified(data, seed, epochs):
    """Trains the same trunk with a layer of classes; returns its model and its figures."""
    built, options, _ = space.build(siamese, data.spec, {}, seed)
    keras.utils.set_random_seed(seed)
    network = keras_dl.networks.lenet5(data.spec.shape, num_classes=data.spec.num_classes)
    model = keras_dl.models.Supervised(network, seed=seed)
    model.compile(built.optimizer.from_config(built.optimizer.get_config()), loss=keras_dl.losses.CrossEntropy())
    model.fit(data.pipelines(options, seed)[0], epochs=epochs, verbose=0)
    hidden = keras.Model(network.input, network.get_layer("dense_2").output)
    return model, {"accuracy": accuracy(model, data.x_test, data.y_test), "knn_accuracy": neighbours(hidden, data)}


ARMS = {"siamese": embedded, "siamese_hard": functools.partial(embedded, mining="hard"), "classifier": classified}


def main():
    """Runs what is missing."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--datasets", default=",".join(EPOCHS))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--pictures", metavar="FOLDER", help="where pictures of the first seed's embeddings go")
    parser.add_argument("--out", required=True, metavar="FILE", help="JSON file of the results; those in it stand")
    options = parser.parse_args()
    out = Path(options.out)
    record = json.loads(out.read_text()) if out.exists() else {"command": "python -m benchmarks.embeddings", "runs": []}
    for dataset in options.datasets.split(","):
        data = siamese.TASK.load(dataset)
        for seed, arm in ((seed, arm) for seed in range(options.seeds) for arm in ARMS):
            about = {"network": f"{dataset}_{arm}", "seed": seed}
            if any(about.items() <= run.items() for run in record["runs"]):
                continue
            start = time.perf_counter()
            model, found = ARMS[arm](data, seed, EPOCHS[dataset])
            found["seconds"] = round(time.perf_counter() - start, 1)
            if options.pictures and arm == "siamese" and seed == 0:
                picture = Path(options.pictures) / f"embeddings_{dataset}.png"
                picture.parent.mkdir(parents=True, exist_ok=True)
                drawing.embeddings(picture, model, data.x_test, data.y_test)
            record["runs"].append(about | found | {"epochs": EPOCHS[dataset]} | stamp())
            record["summary"] = summary(record["runs"])
            out.write_text(json.dumps(record, indent=1) + "\n")
            print(record["runs"][-1], flush=True)


if __name__ == "__main__":
    main()
