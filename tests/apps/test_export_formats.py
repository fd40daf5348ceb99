"""Every recipe as files for ONNX Runtime and LiteRT, run there; at full size: `python -m benchmarks.formats`."""

import importlib.util

import pytest

from benchmarks import formats
from tests.apps.test_export_recipes import LIKE_OTHERS, RECIPES
from tests.apps.untrained import untrained

NEEDED = {"onnx": ("tf2onnx", "onnxruntime"), "litert": ("ai_edge_litert",)}


def skipped(format):
    missing = [module for module in NEEDED[format] if importlib.util.find_spec(module) is None]
    reason = f"needs the extra {format}: {', '.join(missing)}"
    return pytest.param(format, marks=pytest.mark.skipif(bool(missing), reason=reason))


@pytest.mark.parametrize("format", [skipped(format) for format in NEEDED])
@pytest.mark.parametrize("recipe", [*RECIPES, *LIKE_OTHERS])
@pytest.mark.grid("vae-onnx", "unet-litert")
def test_files_give_the_models_numbers(recipe, format, tmp_path):
    if (recipe, format) in formats.LACKING:
        with pytest.raises(ValueError, match=f"Received: {formats.LACKING[recipe, format]} in "):
            formats.differences(untrained(recipe), format, tmp_path / "m", rows=(1, 3))
        return
    found = formats.differences(untrained(recipe), format, tmp_path / "m", rows=(1, 3))
    assert found and max(found.values()) <= formats.TOLERANCES.get(recipe, formats.TOLERANCE), found
