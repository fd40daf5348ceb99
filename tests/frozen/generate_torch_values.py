"""Writes what torch computes for activations, losses and local response normalisation: values and gradients.

    python tests/frozen/generate_torch_values.py          # needs torch 2.13 and numpy; the tests need neither

writes torch_activations.npz, torch_losses.npz and .json, and torch_layers.npz beside this file, at random and extreme
inputs. torch runs in float64 on float32 inputs, so that its own rounding is no excuse (the sine in float32: 30 x has no
more digits there). Losses that torch lacks are written from their formulas in torch_functions.py, mined triplets by
listing them one by one. Classes and channels are on the last axis in the files; torch wants them second.
"""

import json
import pathlib

import numpy as np
import torch
import torch.nn.functional as F
from torch_cases import layer_cases, loss_cases, normal
from torch_functions import FLOAT, FUNCTIONS

FOLDER = pathlib.Path(__file__).parent

KINKS = [0.0, -0.0, 6.0, -6.0, 1e-6, -1e-6, 20.0, np.nextafter(np.float32(20), 21), np.nextafter(np.float32(20), 19)]
FAR = [50.0, 88.0, 89.0, 104.0, 1e3, 1e4]
POINTS = np.concatenate([normal(60, scale=3.0), np.linspace(-12, 12, 49), KINKS, FAR, np.negative(FAR)]).astype("f4")

ELEMENTWISE = [
    ("linear", {}, lambda x: x * 1),
    ("sigmoid", {}, torch.sigmoid),
    ("tanh", {}, torch.tanh),
    ("relu", {}, F.relu),
    ("leaky_relu", {}, F.leaky_relu),
    ("leaky_relu", {"negative_slope": 0.3}, lambda x: F.leaky_relu(x, 0.3)),
    ("leaky_relu", {"negative_slope": 2.0}, lambda x: F.leaky_relu(x, 2.0)),
    ("prelu", {}, lambda x: F.prelu(x, torch.tensor([0.25], dtype=FLOAT))),
    ("softplus", {}, F.softplus),
    ("softplus", {"beta": 3.0, "threshold": 5.0}, lambda x: F.softplus(x, 3.0, 5.0)),
    ("softplus", {"beta": 0.1}, lambda x: F.softplus(x, 0.1)),
    ("elu", {}, F.elu),
    ("elu", {"alpha": 2.5}, lambda x: F.elu(x, 2.5)),
    ("celu", {}, F.celu),
    ("celu", {"alpha": 0.3}, lambda x: F.celu(x, 0.3)),
    ("celu", {"alpha": 4.0}, lambda x: F.celu(x, 4.0)),
    ("selu", {}, F.selu),
    ("gelu", {}, F.gelu),
    ("gelu", {"approximate": True}, lambda x: F.gelu(x, approximate="tanh")),
    ("relu6", {}, F.relu6),
    ("log_sigmoid", {}, F.logsigmoid),
    ("sine", {}, lambda x: torch.sin(x.float())),
    ("sine", {"omega": 30.0}, lambda x: torch.sin(30.0 * x.float())),
]
OVER_AN_AXIS = [
    ("softmax", {}, lambda x: F.softmax(x, -1)),
    ("softmax", {"axis": 1}, lambda x: F.softmax(x, 1)),
    ("log_softmax", {}, lambda x: F.log_softmax(x, -1)),
    ("log_softmax", {"axis": 1}, lambda x: F.log_softmax(x, 1)),
    ("softmin", {}, lambda x: F.softmin(x, -1)),
    ("softmin", {"axis": 1}, lambda x: F.softmin(x, 1)),
]
ROWS = np.concatenate([normal(2, 4, 5, scale=3.0), normal(1, 4, 5, scale=1e4), np.full((1, 4, 5), -1e4, "f4")])


def activation_arrays():
    cotangent = normal(*ROWS.shape)
    arrays = {"points": POINTS, "rows": ROWS, "rows_cotangent": cotangent}
    names = []
    for cases, inputs, weights in ((ELEMENTWISE, POINTS, np.ones_like(POINTS)), (OVER_AN_AXIS, ROWS, cotangent)):
        for name, options, function in cases:
            x = torch.tensor(inputs, dtype=FLOAT, requires_grad=True)
            y = function(x)
            y.backward(torch.tensor(weights, dtype=y.dtype))
            key = str(len(names))
            names.append([name, options, "points" if inputs is POINTS else "rows"])
            arrays[f"{key}/value"] = y.detach().numpy().astype("float32")
            arrays[f"{key}/gradient"] = x.grad.numpy().astype("float32")
    arrays["cases"] = json.dumps(names)
    return arrays


def tensors_of(arrays):
    if isinstance(arrays, tuple):
        return [torch.tensor(x, dtype=FLOAT, requires_grad=True) for x in arrays]
    return torch.tensor(arrays, dtype=FLOAT, requires_grad=True)


def loss_arrays():
    arrays, cases = {}, []
    for loss, options, y_true, y_pred in loss_cases():
        key = str(len(cases))
        count = len(y_pred) if isinstance(y_pred, tuple) else 0
        cases.append({"loss": loss, "options": options, "tensors": count})
        if y_true is not None:
            arrays[f"{key}/y_true"] = y_true
        for i, x in enumerate(y_pred if count else [y_pred]):
            arrays[f"{key}/y_pred{i}"] = x
        y = None if y_true is None else torch.tensor(y_true)
        y = y.to(FLOAT) if y is not None and y.is_floating_point() else y
        reductions = ["none", "mean", *(["batchmean"] if loss == "KLDivergence" else [])]
        for reduction in reductions:
            x = tensors_of(y_pred)
            value = FUNCTIONS[loss](y, x, reduction, **options)
            arrays[f"{key}/{reduction}"] = value.detach().numpy().astype("float32")
            if reduction == "mean":
                value.backward()
                for i, tensor in enumerate(x if count else [x]):
                    arrays[f"{key}/gradient{i}"] = tensor.grad.numpy().astype("float32")
    return arrays, cases


def layer_arrays():
    """Local response normalisation: channels are last in the file."""
    arrays, cases = {}, []
    for options, inputs in layer_cases():
        x = torch.tensor(np.moveaxis(inputs, -1, 1), dtype=FLOAT, requires_grad=True)
        y = F.local_response_norm(x, **options)
        cotangent = normal(*y.shape)
        y.backward(torch.tensor(cotangent, dtype=FLOAT))
        found = {"value": y.detach().numpy(), "gradient": x.grad.numpy(), "cotangent": cotangent}
        arrays |= {f"{len(cases)}/{name}": np.moveaxis(a, 1, -1).astype("float32") for name, a in found.items()}
        arrays[f"{len(cases)}/inputs"] = inputs
        cases.append(options)
    return {**arrays, "cases": json.dumps(cases)}


def main():
    assert torch.__version__.startswith("2.13"), torch.__version__
    np.savez_compressed(FOLDER / "torch_activations.npz", **activation_arrays())
    arrays, cases = loss_arrays()
    broken = sorted({key for key, x in arrays.items() if x.dtype == np.float32 and not np.isfinite(x).all()})
    assert not broken, [(key, cases[int(key.split("/")[0])]) for key in broken]
    np.savez_compressed(FOLDER / "torch_losses.npz", **arrays)
    (FOLDER / "torch_losses.json").write_text("[\n" + ",\n".join(json.dumps(case) for case in cases) + "\n]\n")
    np.savez_compressed(FOLDER / "torch_layers.npz", **layer_arrays())
    print(f"{len(cases)} loss cases")


if __name__ == "__main__":
    main()
