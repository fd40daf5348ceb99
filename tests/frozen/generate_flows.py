"""Writes what two libraries of flows compute: zuko's autoregressive flow and spline, torchcfm's paths and pairs.

    python tests/frozen/generate_flows.py     # needs torch 2.13, zuko 1.6, torchcfm 1.0, POT; the test needs none

writes torch_flows.npz beside this file, in float64. Kernels are (inputs, outputs), of values in the order in which they
follow from one another. The affine map of Papamakarios et al. 2017 with a bounded scale is written below for zuko.
"""

import pathlib

import numpy as np
import torch
import zuko
from torch.distributions.transforms import AffineTransform
from torchcfm import conditional_flow_matching as cfm

FOLDER = pathlib.Path(__file__).parent
SIZE, CONTEXT, HIDDEN, ROWS, LIMIT = 4, 2, (9, 8), 12, 3.0


def affine(shift, raw):
    """z = (x - shift) exp(-limit tanh(raw / limit))."""
    scale = torch.exp(-LIMIT * torch.tanh(raw / LIMIT))
    return AffineTransform(-shift * scale, scale)


def autoregressive():
    orders = [torch.arange(SIZE), torch.arange(SIZE).flip(0)]
    options = {"context": CONTEXT, "univariate": affine, "shapes": [(), ()], "hidden_features": HIDDEN}
    steps = [zuko.flows.MaskedAutoregressiveTransform(SIZE, order=order, **options) for order in orders]
    zeros, ones = torch.zeros(SIZE).double(), torch.ones(SIZE).double()
    base = zuko.lazy.UnconditionalDistribution(zuko.distributions.DiagNormal, zeros, ones, buffer=True)
    flow = zuko.flows.Flow([step.double() for step in steps], base)
    x, context = torch.randn(ROWS, SIZE).double(), torch.randn(ROWS, CONTEXT).double()
    with torch.no_grad():
        conditional = flow(context)
        arrays = {"x": x, "context": context, "log_prob": conditional.log_prob(x), "z": conditional.transform(x)}
    for number, step in enumerate(steps):
        layers = [layer for layer in step.hyper if isinstance(layer, zuko.nn.MaskedLinear)]
        for place, layer in enumerate(layers):
            kernel, mask, bias = (part.detach().double() for part in (layer.weight.T, layer.mask.T, layer.bias))
            kernel, mask = kernel * mask, mask.clone()
            if number and place == 0:
                kernel[:SIZE], mask[:SIZE] = kernel[:SIZE].flip(0), mask[:SIZE].flip(0)
            if number and place == len(layers) - 1:
                kernel, mask = (part.reshape(-1, SIZE, 2).flip(1).reshape(-1, 2 * SIZE) for part in (kernel, mask))
                bias = bias.reshape(SIZE, 2).flip(0).reshape(-1)
            arrays |= {f"kernel_{number}_{place}": kernel, f"mask_{number}_{place}": mask}
            arrays[f"bias_{number}_{place}"] = bias
    return {f"maf_{name}": np.asarray(value) for name, value in arrays.items()}


def spline():
    x = torch.cat([torch.linspace(-3.5, 3.5, 15), torch.tensor([0.0])]).double()
    sizes = [(len(x), count) for count in (5, 5, 4)]
    transform = zuko.transforms.MonotonicRQSTransform(*(2.0 * torch.randn(size).double() for size in sizes), bound=3.0)
    y, log_slope = transform(x), transform.log_abs_det_jacobian(x, None)
    arrays = {"x": x, "y": y, "log_slope": log_slope, "horizontal": transform.horizontal}
    arrays |= {"vertical": transform.vertical, "slopes": transform.derivatives[:, 1:-1]}
    return {f"spline_{name}": np.asarray(value) for name, value in arrays.items()}


def paths():
    """Where torchcfm's paths are at a time, and how fast: from the source, 0, to the data, 1."""
    source, data, t = (
        torch.randn(ROWS, 2).double(),
        2.0 * torch.randn(ROWS, 2).double() + 1.0,
        torch.rand(ROWS).double(),
    )
    plan = cfm.OTPlanSampler(method="exact").get_map(source, data)
    arrays = {"source": source, "data": data, "t": t, "pairs": plan.argmax(0)}
    kinds = {
        "straight": cfm.ConditionalFlowMatcher(sigma=0.0),
        "preserving": cfm.VariancePreservingConditionalFlowMatcher(sigma=0.0),
        "bridge": cfm.SchrodingerBridgeConditionalFlowMatcher(sigma=0.5),
        "target": cfm.TargetConditionalFlowMatcher(sigma=0.05),
    }
    for name, matcher in kinds.items():
        epsilon = torch.randn(ROWS, 2).double()
        there = matcher.sample_xt(source, data, t, epsilon)
        flow = matcher.compute_conditional_flow(source, data, t, there)
        arrays |= {f"{name}_noise": epsilon, f"{name}_x": there, f"{name}_flow": flow}
    return {f"path_{name}": np.asarray(value) for name, value in arrays.items()}


def main():
    assert torch.__version__.startswith("2.13"), torch.__version__
    torch.manual_seed(0)
    np.savez_compressed(FOLDER / "torch_flows.npz", **autoregressive(), **spline(), **paths())


if __name__ == "__main__":
    main()
