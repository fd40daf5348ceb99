"""What the clients say of servers that answer otherwise than TF Serving does."""

import http.server
import json
import threading

import pytest

from apps.clients import arguments, rest_client

TENSOR = {"dtype": "DT_FLOAT", "tensor_shape": {"dim": [{"size": "-1"}]}}
SIGNATURES = {
    "one": {"inputs": {"x": TENSOR}, "outputs": {"y": TENSOR}},
    "two": {"inputs": {"x": TENSOR}, "outputs": {"y": TENSOR, "z": TENSOR}},
}
METADATA = json.dumps({"metadata": {"signature_def": {"signature_def": SIGNATURES}}})


@pytest.fixture
def server(monkeypatch):
    """A server that gives the answers of `.answers`, `(status, text)` by what the path ends in."""
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")  # which nobody answers at

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.server.paths.append(self.path)
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            kind = "predict" if self.path.endswith(":predict") else "metadata"
            status, text, *length = self.server.answers[kind]
            self.send_response(status)
            self.send_header("Content-Length", str(*length or [len(text.encode())]))
            self.end_headers()
            self.wfile.write(text.encode())

        do_POST = do_GET

        def log_message(self, *args):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        running.answers, running.paths = {"metadata": (200, METADATA)}, []
        threading.Thread(target=running.serve_forever, daemon=True).start()
        running.address = f"http://127.0.0.1:{running.server_address[1]}"
        yield running
        running.shutdown()


def ask(run, server, *line):
    return run(rest_client.main, line[0], *line[1:], "--server", server.address)


@pytest.mark.parametrize("text", ["", "{}", "[]", "null", "<html>", '{"metadata": {"signature_def": []}}', "\x00"])
def test_answers_without_metadata(run, server, capsys, text):
    server.answers["metadata"] = (200, text)
    assert ask(run, server, "m") == 2
    assert "answer" in capsys.readouterr().err


ODD = [(200, "[]"), (200, "{}"), (200, "x"), (404, '{"error": "none"}'), (500, "half", 99)]


@pytest.mark.parametrize("answer", ODD)
def test_answers_without_outputs(run, server, capsys, answer):
    server.answers["predict"] = answer
    assert ask(run, server, "m", "one", "--input", "x=[1]") == 2
    assert capsys.readouterr().err.startswith("error: ")


def test_outputs_without_names_and_of_other_kinds(run, server, capsys, tmp_path):
    server.answers["predict"] = (200, '{"outputs": [1.0]}')
    assert ask(run, server, "m", "two", "--input", "x=[1]") == 2
    assert "without the names of y, z" in capsys.readouterr().err
    server.answers["predict"] = (200, '{"outputs": {"y": ["a", null, true, NaN], "z": 2}}')
    assert ask(run, server, "m", "two", "--input", "x=[1]", "--out", tmp_path / "o.json") == 0
    assert "a None 1 nan" in capsys.readouterr().out
    assert json.loads((tmp_path / "o.json").read_text()) == {"y": ["a", None, True, None], "z": 2}


@pytest.mark.parametrize("name", ["a b", "a/b", "größe", "a?b#c", "100%"])
def test_names_of_models_are_one_part_of_the_address(run, server, name):
    assert ask(run, server, name) == 0
    (path,) = server.paths
    assert path.count("/") == 4 and path.startswith("/v1/models/") and path.endswith("/metadata")


@pytest.mark.parametrize("server", ["http://[::1", "[", "x:y:z", ""], indirect=False)
def test_addresses_that_are_none(run, capsys, server):
    assert not arguments.is_here(server)
    assert run(rest_client.main, "m", "--server", server) == 2
    assert "no answer from" in capsys.readouterr().err
