"""Calls a served model over REST, with Python's standard library alone: `python -m apps.clients.rest_client --help`."""

import http.client
import json
import sys
import urllib.error
import urllib.parse
import urllib.request

from apps import cli, early
from apps.clients import arguments

DESCRIPTION = """\
Calls a model that TF Serving serves, over its REST interface. Nothing but Python is needed.

To serve every model of saved_models/ (Docker):

  docker compose --file saved_models/compose.yaml up

The server compares shapes, refuses NaN and labels out of range, and answers with a message that names the input.
"""
EXAMPLES = """\
examples:
  python -m apps.clients.rest_client vae_digits                                          what it can be asked
  python -m apps.clients.rest_client vae_digits sample --input num_samples=4 --input seed=0
  python -m apps.clients.rest_client vae_digits encode --input x=images.json --out latents.json

the same without this program:
  curl http://localhost:8501/v1/models/vae_digits:predict \\
    --data '{"signature_name": "sample", "inputs": {"num_samples": 4, "seed": 0}}'
"""
SERVER = "http://localhost:8501"


def signatures(server, model, version=None, timeout=60):
    """Asks a server what a model can do.

    Returns:
        Dict from the name of a signature to `(inputs, outputs)`, each a dict from a name to `(dtype, shape)`, with -1
        in a shape for what is open.
    """
    answer = _ask(f"{_address(server, model, version)}/metadata", timeout)
    try:
        described = answer["metadata"]["signature_def"]["signature_def"]
        return {name: (_tensors(s.get("inputs", {})), _tensors(s.get("outputs", {}))) for name, s in described.items()}
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise cli.UserError(f"{server} answers, but not with a model's metadata: is it TF Serving?") from error


def predict(server, model, signature, inputs, version=None, timeout=60):
    """Calls a signature.

    Args:
        server: Address, like `http://localhost:8501`.
        model: Name of the model.
        signature: Name of the signature.
        inputs: Dict from the names of its inputs to numbers or nested lists.
        version: Integer, or `None` for the newest.
        timeout: Seconds to wait.

    Returns:
        Dict from the names of its outputs to nested lists.

    Raises:
        UserError: If there is no server, or it refuses; with its message.
    """
    expected, output_names = arguments.find(signatures(server, model, version, timeout), signature)
    arguments.check_names(inputs, signature, expected)
    body = {"signature_name": signature, "inputs": inputs}
    answer = _ask(f"{_address(server, model, version)}:predict", timeout, body)
    if not isinstance(answer, dict) or "outputs" not in answer:
        raise cli.UserError(f"{server} answers, but without outputs: is it TF Serving?")
    outputs = answer["outputs"]
    if len(output_names) == 1:  # a server sends a single output without its name
        return dict.fromkeys(output_names, outputs)
    if not isinstance(outputs, dict):
        raise cli.UserError(f"{server} answers, but without the names of {', '.join(sorted(output_names))}")
    return outputs


def _address(server, model, version):
    place = f"{server.rstrip('/')}/v1/models/{urllib.parse.quote(model, safe='')}"
    return f"{place}/versions/{version}" if version else place


def _tensors(described):
    tensors = {}
    for name, info in described.items():
        shape = info["tensor_shape"]
        axes = [] if shape.get("unknown_rank") else shape.get("dim", [])
        sizes = [int(axis["size"]) for axis in axes]
        tensors[name] = (info["dtype"].removeprefix("DT_").lower(), sizes)
    return tensors


def _ask(address, timeout, body=None):
    """Sends a request, a POST if there is a body, and returns the answer's JSON."""
    data = None if body is None else json.dumps(body).encode()
    try:
        request = urllib.request.Request(address, data, {"Content-Type": "application/json"})
        with _opener(address).open(request, timeout=timeout) as answer:
            return json.loads(answer.read())
    except urllib.error.HTTPError as error:
        raise cli.UserError(f"the server refuses: {_reason(error)}") from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise cli.UserError(f"no answer from {address}: {getattr(error, 'reason', error)}") from error


def _opener(address):
    """What opens an address: without the environment's proxies for one on this machine, which they cannot reach."""
    proxies = {} if arguments.is_here(address) else None
    return urllib.request.build_opener(urllib.request.ProxyHandler(proxies))


def _reason(error):
    try:
        text = error.read().decode(errors="replace")
    except (OSError, http.client.HTTPException):  # the answer ends before it is whole
        return error.reason
    try:
        return json.loads(text)["error"]
    except (ValueError, KeyError, TypeError):
        return text.strip() or error.reason


def parser():
    return arguments.parser("rest_client", DESCRIPTION, EXAMPLES, SERVER)


def main(argv=None):
    options = parser().parse(sys.argv[1:] if argv is None else argv)
    if options.out:
        early.check_free(options.out)
    connection = {"version": options.version, "timeout": options.timeout}
    if options.signature is None:
        arguments.show_signatures(signatures(options.server, options.model, **connection))
        return
    inputs = arguments.inputs(options.input)
    arguments.show_outputs(predict(options.server, options.model, options.signature, inputs, **connection), options.out)


if __name__ == "__main__":
    cli.run(main)
