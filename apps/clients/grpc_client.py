"""Client of a served model over gRPC, with the extra `serve`: `python -m apps.clients.grpc_client --help`."""

import sys

from apps import cli, early
from apps.clients import arguments

DESCRIPTION = """\
Calls a model that TF Serving serves, over gRPC: faster than REST for large inputs. It needs the extra `serve`:

  pip install -e ".[serve]"

To serve every model of saved_models/ (Docker):

  docker compose --file saved_models/compose.yaml up

Inputs may be .npy files, too. The server compares shapes, refuses NaN and labels out of range, and answers with a
message that names the input.
"""
EXAMPLES = """\
examples:
  python -m apps.clients.grpc_client vae_digits                                          what it can be asked
  python -m apps.clients.grpc_client vae_digits sample --input num_samples=4 --input seed=0
  python -m apps.clients.grpc_client vae_digits encode --input x=images.npy --out latents.json
"""
SERVER = "localhost:8500"


class Client:
    """A connection to a server.

    Args:
        server: Address, like `localhost:8500`.
        timeout: Seconds to wait for an answer.
    """

    def __init__(self, server=SERVER, timeout=60):
        with cli.user_errors(ImportError, about='the extra "serve" is missing (pip install -e ".[serve]")'):
            import grpc
            from tensorflow_serving.apis import prediction_service_pb2_grpc
        self.timeout = timeout
        settings = [(f"grpc.max_{way}_message_length", -1) for way in ("send", "receive")]
        settings += [("grpc.enable_http_proxy", 0)] if arguments.is_here(server) else []
        self._channel = grpc.insecure_channel(server, settings)
        self._stub = prediction_service_pb2_grpc.PredictionServiceStub(self._channel)
        self._failure = grpc.RpcError

    def signatures(self, model, version=None):
        """Returns a dict from the name of a signature to `(inputs, outputs)`, each from a name to `(dtype, shape)`."""
        import tensorflow as tf
        from tensorflow_serving.apis import get_model_metadata_pb2

        request = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=["signature_def"])
        answer = self._ask(self._stub.GetModelMetadata, request, model, version)
        described = get_model_metadata_pb2.SignatureDefMap()
        answer.metadata["signature_def"].Unpack(described)

        def tensors(described):
            shape = lambda info: [axis.size for axis in info.tensor_shape.dim]  # noqa: E731
            return {name: (tf.as_dtype(info.dtype).name, shape(info)) for name, info in described.items()}

        return {name: (tensors(s.inputs), tensors(s.outputs)) for name, s in described.signature_def.items()}

    def predict(self, model, signature, inputs, version=None):
        """Calls a signature with a dict of arrays, numbers or nested lists, and returns a dict of arrays.

        Raises:
            UserError: If there is no server, or it refuses; with its message.
        """
        import tensorflow as tf
        from tensorflow_serving.apis import predict_pb2

        expected, _ = arguments.find(self.signatures(model, version), signature)
        arguments.check_names(inputs, signature, expected)
        request = predict_pb2.PredictRequest()
        request.model_spec.signature_name = signature
        for name, value in inputs.items():
            with cli.user_errors(ValueError, TypeError, about=f"input {name}"):
                request.inputs[name].CopyFrom(tf.make_tensor_proto(value, expected[name][0]))
        answer = self._ask(self._stub.Predict, request, model, version)
        return {name: tf.make_ndarray(proto) for name, proto in answer.outputs.items()}

    def close(self):
        self._channel.close()

    def _ask(self, method, request, model, version):
        request.model_spec.name = model
        if version is not None:
            request.model_spec.version.value = version
        try:
            return method(request, timeout=self.timeout)
        except self._failure as error:
            raise cli.UserError(
                f"the server refuses, or is not there: {error.code().name}: {error.details()}"
            ) from error


def read_npy(path):
    """Reads an array; no code is run from the file."""
    import numpy as np

    return np.load(path, allow_pickle=False)


def parser():
    return arguments.parser("grpc_client", DESCRIPTION, EXAMPLES, SERVER)


def main(argv=None):
    options = parser().parse(sys.argv[1:] if argv is None else argv)
    if options.out:
        early.check_free(options.out)
    inputs = arguments.inputs(options.input, {".npy": read_npy})
    client = Client(options.server, options.timeout)
    if options.signature is None:
        arguments.show_signatures(client.signatures(options.model, options.version))
        return
    outputs = client.predict(options.model, options.signature, inputs, options.version)
    arguments.show_outputs({name: value.tolist() for name, value in outputs.items()}, options.out)


if __name__ == "__main__":
    cli.run(main)
