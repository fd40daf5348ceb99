"""Writes what torchvision's networks compute from the weights of torchvision_weights.py.

    python tests/frozen/generate_torchvision.py    # needs torch 2.13, torchvision 0.28, timm 1.0; the test needs none

writes torchvision_networks.json (the names and shapes of their weights) and torchvision_networks.npz (their outputs in
inference, in float64) beside this file. SE-ResNet is timm's. The hidden layers of AlexNet and VGG are narrower than
torchvision's.
"""

import json
import pathlib

import numpy as np
import timm
import torch
import torchvision
from torchvision_weights import images, state_dict

FOLDER = pathlib.Path(__file__).parent
CLASSES, UNITS = 10, 12
# torchvision's name, our options, images' height and width
CASES = {
    "alexnet": ({"units": UNITS}, (95, 70)),
    "vgg11": ({"units": UNITS}, (40, 64)),
    "vgg13_bn": ({"units": UNITS}, (40, 64)),
    "googlenet": ({"batch_norm": True, "large_kernel": 3, "last_pool": 2}, (61, 40)),
    "resnet18": ({}, (45, 64)),
    "resnet50": ({}, (45, 64)),
    "seresnet50": ({}, (45, 64)),
    "densenet121": ({}, (45, 64)),
    "squeezenet1_0": ({}, (61, 40)),
    "squeezenet1_1": ({}, (61, 40)),
}


def network(name):
    if name == "seresnet50":
        return timm.create_model(name, num_classes=CLASSES).double().eval()
    options = {"aux_logits": False, "init_weights": False} if name == "googlenet" else {}
    model = getattr(torchvision.models, name)(weights=None, num_classes=CLASSES, **options)
    if name.startswith(("alexnet", "vgg")):
        dense = [i for i, layer in enumerate(model.classifier) if isinstance(layer, torch.nn.Linear)]
        sizes = [model.classifier[dense[0]].in_features, UNITS, UNITS, CLASSES]
        for i, *size in zip(dense, sizes, sizes[1:], strict=False):
            model.classifier[i] = torch.nn.Linear(*size)
    return model.double().eval()


def main():
    assert torch.__version__.startswith("2.13") and torchvision.__version__.startswith("0.28")
    cases, outputs = {}, {}
    for name, (options, size) in CASES.items():
        model = network(name)
        shapes = {key: list(value.shape) for key, value in model.state_dict().items()}
        model.load_state_dict({key: torch.tensor(value) for key, value in state_dict(shapes).items()})
        x = torch.tensor(images(2, *size, 3).transpose(0, 3, 1, 2), dtype=torch.float64)
        with torch.no_grad():
            outputs[name] = model(x).numpy().astype("float32")
        cases[name] = {"options": options, "size": size, "shapes": shapes}
        print(name, np.abs(outputs[name]).max(), outputs[name].std(1))
    lines = ",\n".join(f"{json.dumps(name)}: {json.dumps(case)}" for name, case in cases.items())
    (FOLDER / "torchvision_networks.json").write_text("{\n" + lines + "\n}\n")
    np.savez_compressed(FOLDER / "torchvision_networks.npz", **outputs)


if __name__ == "__main__":
    main()
