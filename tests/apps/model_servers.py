"""Servers of one SavedModel for tests of clients: TF Serving's REST and gRPC interfaces, and TF Serving where it is."""

import contextlib
import http.server
import json
import shutil
import socket
import subprocess
import threading
import time
import urllib.request
from concurrent import futures
from pathlib import Path

import numpy as np
import tensorflow as tf
from google.protobuf import json_format
from tensorflow.python.saved_model import loader_impl


class Model:
    """A version of a SavedModel, as a server holds it.

    Attributes:
        name, version: what it is called.
        description: its signatures as TF Serving describes them, protos by name.
    """

    def __init__(self, folder):
        self.name, self.version = Path(folder).parent.name, Path(folder).name
        self._loaded = tf.saved_model.load(str(folder))
        graph = loader_impl.parse_saved_model(str(folder)).meta_graphs[0]
        self.description = {k: v for k, v in graph.signature_def.items() if not k.startswith("__")}

    def call(self, signature, inputs):
        """Runs a signature on arrays or lists; returns a dict of arrays."""
        described = self.description[signature].inputs
        inputs = {name: tf.constant(value, tf.as_dtype(described[name].dtype)) for name, value in inputs.items()}
        return {name: value.numpy() for name, value in self._loaded.signatures[signature](**inputs).items()}


@contextlib.contextmanager
def rest_server(model):
    """Answers as TF Serving's REST interface documents it; yields the address."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            if self.path not in [f"{path}/metadata" for path in self.paths()]:
                return self.answer(404, {"error": f"Servable not found for request: {self.path}"})
            described = {name: _as_json(proto) for name, proto in model.description.items()}
            metadata = {"signature_def": {"signature_def": described}}
            return self.answer(200, {"model_spec": {"name": model.name}, "metadata": metadata})

        def do_POST(self):
            assert self.path in [f"{path}:predict" for path in self.paths()]
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            assert set(body) == {"signature_name", "inputs"}
            try:
                outputs = model.call(body["signature_name"], body["inputs"])
            except (tf.errors.InvalidArgumentError, ValueError) as error:
                return self.answer(400, {"error": str(error)})
            outputs = {name: value.tolist() for name, value in outputs.items()}
            return self.answer(200, {"outputs": outputs if len(outputs) > 1 else next(iter(outputs.values()))})

        def paths(self):
            return [f"/v1/models/{model.name}", f"/v1/models/{model.name}/versions/{model.version}"]

        def answer(self, status, content):
            text = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def _as_json(proto):
    return json_format.MessageToDict(proto, preserving_proto_field_name=True, always_print_fields_with_no_presence=True)


@contextlib.contextmanager
def grpc_server(model):
    """Implements `PredictionService`; yields the address."""
    import grpc
    from tensorflow_serving.apis import get_model_metadata_pb2, predict_pb2, prediction_service_pb2_grpc

    class Service(prediction_service_pb2_grpc.PredictionServiceServicer):
        def check(self, spec, context):
            version = str(spec.version.value) if spec.HasField("version") else model.version
            if (spec.name, version) != (model.name, model.version):
                context.abort(grpc.StatusCode.NOT_FOUND, f"Servable not found for request: {spec.name} {version}")

        def GetModelMetadata(self, request, context):
            self.check(request.model_spec, context)
            described = get_model_metadata_pb2.SignatureDefMap(signature_def=model.description)
            answer = get_model_metadata_pb2.GetModelMetadataResponse()
            for field in request.metadata_field:
                answer.metadata[field].Pack(described)
            return answer

        def Predict(self, request, context):
            self.check(request.model_spec, context)
            inputs = {name: tf.make_ndarray(proto) for name, proto in request.inputs.items()}
            try:
                outputs = model.call(request.model_spec.signature_name, inputs)
            except tf.errors.InvalidArgumentError as error:
                context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
            protos = {name: tf.make_tensor_proto(np.asarray(value)) for name, value in outputs.items()}
            return predict_pb2.PredictResponse(outputs=protos)

    server = grpc.server(futures.ThreadPoolExecutor(2))
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(Service(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield f"127.0.0.1:{port}"
    server.stop(None)


def serving_binary():
    """The path of TF Serving on this machine, or `None`."""
    return shutil.which("tensorflow_model_server")


@contextlib.contextmanager
def tf_serving(folder, name, log):
    """Starts TF Serving for the versions in `folder`; yields the addresses for REST and gRPC."""
    rest, grpc = _free_port(), _free_port()
    options = [f"--rest_api_port={rest}", f"--port={grpc}", f"--model_name={name}", f"--model_base_path={folder}"]
    with open(log, "wb") as output:
        process = subprocess.Popen([serving_binary(), *options], stdout=output, stderr=subprocess.STDOUT)
    try:
        _wait_until_available(f"http://127.0.0.1:{rest}/v1/models/{name}", process, log)
        yield f"http://127.0.0.1:{rest}", f"127.0.0.1:{grpc}"
    finally:
        process.terminate()
        process.wait(30)


def _wait_until_available(address, process, log, seconds=60):
    end = time.monotonic() + seconds
    while time.monotonic() < end and process.poll() is None:
        with contextlib.suppress(OSError), urllib.request.urlopen(address, timeout=5) as answer:
            if any(s["state"] == "AVAILABLE" for s in json.load(answer)["model_version_status"]):
                return
        time.sleep(0.5)
    raise AssertionError(f"TF Serving is not there after {seconds} s: {Path(log).read_text()}")


def _free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]
