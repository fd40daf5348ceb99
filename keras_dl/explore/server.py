"""A server of one folder, on this machine alone."""

import functools
import http.server

from keras_dl.types import PathLike

TYPES = {".js": "text/javascript", ".wasm": "application/wasm", ".onnx": "application/octet-stream"}
HOST = "127.0.0.1"


class Handler(http.server.SimpleHTTPRequestHandler):
    """Answers requests for files, and says nothing of it."""

    extensions_map = http.server.SimpleHTTPRequestHandler.extensions_map | TYPES

    def end_headers(self):
        self.send_header("Cache-Control", "no-cache")  # the next model comes from the same address
        super().end_headers()

    def log_message(self, format, *args):
        pass


def serving(folder: PathLike, port: int = 0) -> http.server.ThreadingHTTPServer:
    """Returns a server of the files of a folder, which answers while its `serve_forever()` runs.

    Args:
        folder: The folder.
        port: Port on 127.0.0.1; 0 for any that is free.

    Returns:
        `http.server.ThreadingHTTPServer`; its `server_port` says where it listens.

    Raises:
        OSError: If the port is taken.

    Example:

    >>> import tempfile
    >>> with serving(tempfile.mkdtemp()) as server:
    ...     server.server_address[0]
    '127.0.0.1'
    """
    return http.server.ThreadingHTTPServer((HOST, port), functools.partial(Handler, directory=str(folder)))
