"""The clients of served models, against servers that answer from a SavedModel."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import keras_dl
from apps import cli
from apps.clients import arguments, grpc_client, rest_client
from keras_dl.runs import serving
from tests.apps import model_servers
from tests.models.builders import images, small_vae
from tests.runtime.saved_models import has_serving_api

ROOT = Path(__file__).resolve().parents[2]
needs_serving_api = pytest.mark.skipif(not has_serving_api(), reason="needs the extra serve: tensorflow-serving-api")
pytestmark = pytest.mark.filterwarnings("ignore:No warm-up records")


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """A conditional VAE and its SavedModel."""
    vae = small_vae(num_classes=3)
    folder = keras_dl.runtime.export(vae, tmp_path_factory.mktemp("served") / "faces", version=3)
    return vae, model_servers.Model(folder), Path(folder)


@pytest.fixture(scope="module")
def rest(served):
    with model_servers.rest_server(served[1]) as address:
        yield address


@pytest.fixture(scope="module")
def grpc(served):
    with model_servers.grpc_server(served[1]) as address:
        yield address


def check_round_trip(vae, predict):
    """Compares what a client gets with what the model gives; `predict(signature, inputs)` returns arrays or lists."""
    x, labels = images(3), np.array([2, 0, 1], np.int32)
    given = {"x": x.tolist(), "condition": labels.tolist()}
    np.testing.assert_allclose(predict("reconstruct", given)["x"], vae.reconstruct(x, labels), atol=1e-5)
    encoded = predict("encode", given)
    assert set(encoded) == {"latents", "scale"}
    np.testing.assert_allclose(encoded["latents"], vae.encode(x, labels), atol=1e-5)
    drawn = predict("sample", {"num_samples": 2, "seed": 5, "condition": [1]})["x"]
    np.testing.assert_allclose(drawn, vae.sample(2, 1, seed=5), atol=1e-5)


def check_refusals(predict):
    x = images(1).tolist()
    with pytest.raises(cli.UserError, match="condition should be integer labels from 0 to 2"):
        predict("encode", {"x": x, "condition": [3]})
    with pytest.raises(cli.UserError, match="there is no signature 'draw'; there are: decode, encode"):
        predict("draw", {})
    with pytest.raises(cli.UserError, match="encode takes the inputs condition, x; received x, y"):
        predict("encode", {"x": x, "y": [3]})


def test_rest_round_trip(served, rest):
    for version in (None, 3):
        check_round_trip(served[0], lambda s, i, v=version: rest_client.predict(rest, "faces", s, i, version=v))
    check_refusals(lambda s, i: rest_client.predict(rest, "faces", s, i))
    with pytest.raises(cli.UserError, match="the server refuses: Servable not found"):
        rest_client.signatures(rest, "cats")
    with pytest.raises(cli.UserError, match="the server refuses: Servable not found"):
        rest_client.signatures(rest, "faces", version=4)


def test_rest_program(served, rest, run, tmp_path, capsys):
    assert run(rest_client.main, "faces", "--server", rest) == 0
    listed = capsys.readouterr().out
    assert "encode\n  takes  condition: int32 ?\n  takes  x: float ?x4x4x1\n  gives  latents: float ?x2\n" in listed
    assert "sample\n  takes  condition: int32 ?\n  takes  num_samples: int32 scalar\n" in listed
    (tmp_path / "x.json").write_text(json.dumps(images(2).tolist()))
    call = ["faces", "encode", "--server", rest, "--input", f"x={tmp_path}/x.json", "--input", "condition=[0, 2]"]
    assert run(rest_client.main, *call, "--out", tmp_path / "out.json") == 0
    assert "latents: 2x2  " in capsys.readouterr().out
    outputs = json.loads((tmp_path / "out.json").read_text())
    expected = served[0].encode(images(2), np.array([0, 2]))
    np.testing.assert_allclose(outputs["latents"], expected, atol=1e-5)
    assert run(rest_client.main, *call[:-1], "condition=[0, 7]") == 2
    assert "labels from 0 to 2" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        (["x"], "--input expects NAME=VALUE"),
        (["x=[1, "], "input x: cannot read '[1, '"),
        (["x=missing.json"], "input x: cannot read 'missing.json'"),
    ],
)
def test_inputs_that_cannot_be_read(inputs, message):
    with pytest.raises(cli.UserError) as error:
        arguments.inputs(inputs)
    assert message in str(error.value)


def test_no_server(run, capsys):
    port = model_servers._free_port()
    assert run(rest_client.main, "faces", "--server", f"http://127.0.0.1:{port}", "--timeout", 5) == 2
    assert "no answer from" in capsys.readouterr().err
    assert run(rest_client.main, "faces", "--server", "nowhere", "--timeout", 5) == 2
    assert "no answer from" in capsys.readouterr().err


def test_servers_that_are_none(monkeypatch):
    for answer in ([], {}, {"metadata": {}}, {"metadata": {"signature_def": {"signature_def": {"a": 3}}}}):
        monkeypatch.setattr(rest_client, "_ask", lambda *_, answer=answer: answer)
        with pytest.raises(cli.UserError, match="not with a model's metadata"):
            rest_client.signatures("http://x", "faces")


def test_names_with_spaces_and_proxies(rest, monkeypatch):
    assert rest_client._address("http://x/", "my faces", 3) == "http://x/v1/models/my%20faces/versions/3"
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")  # where nobody answers
    assert "encode" in rest_client.signatures(rest, "faces")


def test_numbers_that_json_has_not_are_null(tmp_path):
    arguments.show_outputs({"x": [[1.5, float("nan")], [float("inf"), -float("inf")]]}, tmp_path / "out.json")
    assert json.loads((tmp_path / "out.json").read_text(), parse_constant=None) == {"x": [[1.5, None], [None, None]]}


def test_rest_needs_the_standard_library_only():
    check = "import sys, apps.clients.rest_client; print({'numpy', 'tensorflow', 'grpc', 'keras'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-I", "-S", "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r}); {check}"],
                          capture_output=True, text=True, timeout=600)  # fmt: skip
    assert done.stdout == "set()\n", done.stderr


@pytest.mark.parametrize("client", ["rest_client", "grpc_client"])
def test_help_teaches(client):
    command = [sys.executable, "-m", f"apps.clients.{client}", "--help"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0 and done.stderr == ""
    assert f"python -m apps.clients.{client} vae_digits sample" in done.stdout and "compose.yaml" in done.stdout


@needs_serving_api
def test_grpc_round_trip(served, grpc):
    client = grpc_client.Client(grpc)
    for version in (None, 3):
        check_round_trip(served[0], lambda s, i, v=version: client.predict("faces", s, i, version=v))
    check_refusals(lambda s, i: client.predict("faces", s, i))
    with pytest.raises(cli.UserError, match="NOT_FOUND: Servable not found"):
        client.signatures("faces", version=4)
    with pytest.raises(cli.UserError, match="input x: "):
        client.predict("faces", "encode", {"x": "text", "condition": [1]})
    client.close()


@needs_serving_api
def test_grpc_on_this_machine_passes_proxies_by(grpc, monkeypatch):
    for name in ("http_proxy", "https_proxy", "grpc_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")  # where nobody answers
    client = grpc_client.Client(grpc.replace("127.0.0.1", "localhost"), timeout=20)
    assert "encode" in client.signatures("faces")
    client.close()


@pytest.mark.parametrize(
    ("server", "here"),
    [
        ("localhost:8500", True),
        ("dns:///localhost:8500", True),
        ("ipv4:127.0.0.1:8500", True),
        ("[::1]:8500", True),
        ("http://127.3.0.1:8501", True),
        ("models.example.org:8500", False),
        ("http://localhost.example.org", False),
        ("10.0.0.1:8500", False),
    ],
)
def test_which_servers_are_on_this_machine(server, here):
    assert arguments.is_here(server) is here


@needs_serving_api
def test_grpc_program(served, grpc, run, tmp_path, capsys):
    assert run(grpc_client.main, "faces", "--server", grpc) == 0
    assert "encode\n  takes  condition: int32 ?\n  takes  x: float32 ?x4x4x1\n" in capsys.readouterr().out
    np.save(tmp_path / "x.npy", images(2))
    call = ["faces", "encode", "--server", grpc, "--input", f"x={tmp_path}/x.npy", "--input", "condition=[0, 2]"]
    assert run(grpc_client.main, *call, "--out", tmp_path / "out.json") == 0
    outputs = json.loads((tmp_path / "out.json").read_text())
    np.testing.assert_allclose(outputs["latents"], served[0].encode(images(2), np.array([0, 2])), atol=1e-5)
    np.save(tmp_path / "objects.npy", np.array([object()]), allow_pickle=True)
    assert run(grpc_client.main, *call[:-3], f"x={tmp_path}/objects.npy") == 2
    assert "cannot read" in capsys.readouterr().err


def test_grpc_without_the_extra(run, capsys, monkeypatch):
    for module in ("tensorflow_serving", "tensorflow_serving.apis"):
        monkeypatch.setitem(sys.modules, module, None)
    assert run(grpc_client.main, "faces") == 2
    assert 'the extra "serve" is missing' in capsys.readouterr().err


@pytest.mark.skipif(model_servers.serving_binary() is None, reason="no tensorflow_model_server on this machine")
def test_tf_serving_itself(served, tmp_path):
    vae, _, folder = served
    with model_servers.tf_serving(folder.parent, "faces", tmp_path / "log") as (rest, grpc):
        check_round_trip(vae, lambda s, i: rest_client.predict(rest, "faces", s, i))
        check_refusals(lambda s, i: rest_client.predict(rest, "faces", s, i))
        if has_serving_api():
            client = grpc_client.Client(grpc)
            check_round_trip(vae, lambda s, i: client.predict("faces", s, i))
            check_refusals(lambda s, i: client.predict("faces", s, i))


def test_what_is_committed_is_what_is_served():
    folder = ROOT / "saved_models"
    assert (folder / "models.config").read_text() == serving.models_config(folder)
    compose = (folder / "compose.yaml").read_text()
    assert "--model_config_file=/models/models.config" in compose and ".:/models:ro" in compose


def test_the_compose_file_is_one():
    yaml = pytest.importorskip("yaml", reason="needs PyYAML")
    found = yaml.safe_load((ROOT / "saved_models" / "compose.yaml").read_text())
    assert found.keys() == {"services"} and found["services"].keys() == {"serving"}
    service = found["services"]["serving"]
    assert service.keys() == {"image", "command", "ports", "volumes"}
    assert all(isinstance(text, str) for name in ("command", "ports", "volumes") for text in service[name])
    assert isinstance(service["image"], str) and all(port.startswith("127.0.0.1:") for port in service["ports"])


@needs_serving_api
def test_models_config_is_what_a_server_reads():
    from google.protobuf import text_format
    from tensorflow_serving.config import model_server_config_pb2

    folder = ROOT / "saved_models"
    config = model_server_config_pb2.ModelServerConfig()
    text_format.Parse((folder / "models.config").read_text(), config)
    models = {model.name: model for model in config.model_config_list.config}
    assert models.keys() == {path.name for path in folder.iterdir() if path.is_dir()}
    for name, model in models.items():
        assert (model.base_path, model.model_platform) == (f"/models/{name}", "tensorflow")
        assert any((version / "saved_model.pb").is_file() for version in (folder / name).iterdir())
