"""Changes of file on the walk of a batch from a fit to the loss, counted by a tracer over this checkout's frames.

    python -m benchmarks.walk

A newcomer who follows the data with a debugger changes file that often; imports and building the model do not count.
"""

import json
import sys
from pathlib import Path

import keras
import numpy as np

import keras_dl

ROOT = Path(__file__).resolve().parents[1]


def walk(function):
    """Runs `function()`; returns the number of calls of this project's functions and of changes of file among them."""
    files = []

    def tracer(frame, event, argument):
        code = frame.f_code
        ours = code.co_filename.startswith(str(ROOT)) and code.co_filename != __file__
        if event == "call" and ours and not code.co_name.startswith("<"):  # comprehensions and lambdas stay in place
            files.append(code.co_filename)

    sys.settrace(tracer)
    try:
        function()
    finally:
        sys.settrace(None)
    changes = sum(a != b for a, b in zip(files, files[1:], strict=False))
    return {"calls": len(files), "changes_of_file": changes}


def main():
    x = np.random.default_rng(0).random((64, 8, 8, 1), dtype=np.float32)
    encoder = keras_dl.networks.mlp_encoder(x.shape[1:], 2, hidden=(8,))
    vae = keras_dl.models.VAE(encoder, keras_dl.networks.mlp_decoder(2, x.shape[1:], hidden=(8,)), seed=0)
    vae.compile(keras.optimizers.Adam(1e-3), jit_compile=False)
    print(json.dumps(walk(lambda: vae.fit(x, batch_size=32, epochs=1, verbose=0))))


if __name__ == "__main__":
    main()
