"""PyTorch's side of W9 to W13. Needs torch and zuko; `benchmarks.compare` starts it.

Variants, joined by `_`: `eager` or `compile` (torch.compile), `cl` for channels last, and those of each workload.
"""

import os

import torch

from benchmarks import denoising_torch, flows_torch, nvae_torch
from benchmarks.worker import serve

WORKLOADS = {
    "W9": lambda variant: flows_torch.spline_training("coupling", variant),
    "W9s": lambda variant: flows_torch.spline_sampling("coupling", variant),
    "W9a": lambda variant: flows_torch.spline_training("autoregressive", variant),
    "W9as": lambda variant: flows_torch.spline_sampling("autoregressive", variant),
    "W10": flows_torch.glow_training,
    "W10s": flows_torch.glow_sampling,
    "W11": denoising_torch.unet_training,
    "W11s": denoising_torch.unet_sampling,
    "W12": denoising_torch.langevin,
    "W13": nvae_torch.nvae_training,
}


def measured(workload, variant):
    """A variant, ready to be timed."""
    torch.manual_seed(0)
    torch.compiler.reset()
    return WORKLOADS[workload](variant)


if __name__ == "__main__":
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", os.cpu_count())))
    serve(measured)
