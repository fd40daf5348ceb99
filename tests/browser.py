"""A headless Chromium for tests, spoken to over a pipe in its DevTools protocol; no package is needed for that."""

import base64
import json
import os
import select
import shutil
import subprocess
import time

PROGRAM = shutil.which("chromium")
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--remote-debugging-pipe",
)  # fmt: skip
SIZES = {"phone": (390, 844), "desktop": (1280, 900)}
SECONDS = 60


class Browser:
    """A browser with one page. What the page says, and what it asks of networks, is remembered.

    Args:
        folder: A new folder for the browser's own files.

    Attributes:
        problems: Texts of exceptions, and of messages and log entries that are errors.
        requests: The addresses that pages have asked for.
    """

    def __init__(self, folder):
        self.problems, self.requests, self.buffer, self.number, self.answers = [], [], b"", 0, {}
        (theirs_in, self.to), (self.out, theirs_out) = os.pipe(), os.pipe()
        # The protocol is spoken on the file descriptors 3 and 4.
        command = f'exec "$@" 3<&{theirs_in} 4>&{theirs_out}'
        arguments = ["bash", "-c", command, "bash", PROGRAM, *FLAGS, f"--user-data-dir={folder}", "about:blank"]
        silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self.process = subprocess.Popen(arguments, pass_fds=(theirs_in, theirs_out), **silent)
        for end in (theirs_in, theirs_out):
            os.close(end)
        self.session = None
        target = self.page_target()
        self.session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log", "DOM"):
            self.send(f"{domain}.enable")

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.process.terminate()
        self.process.wait(10)
        for end in (self.to, self.out):
            os.close(end)

    def page_target(self):
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            pages = [t for t in self.send("Target.getTargets")["targetInfos"] if t["type"] == "page"]
            if pages:
                return pages[0]["targetId"]
            time.sleep(0.05)
        raise TimeoutError("Chromium opened no page")

    def send(self, method, **parameters):
        """Sends a command, and returns its result."""
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.to, json.dumps(message).encode() + b"\0")
        end = time.monotonic() + SECONDS
        while self.number not in self.answers:
            self.read(end)
        answer = self.answers.pop(self.number)
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']}")
        return answer["result"]

    def read(self, end):
        """Reads one message, an answer or an event."""
        while b"\0" not in self.buffer:
            if not select.select([self.out], [], [], max(0.0, end - time.monotonic()))[0]:
                raise TimeoutError("Chromium does not answer")
            part = os.read(self.out, 1 << 20)
            if not part:
                raise ConnectionError("Chromium ended")
            self.buffer += part
        text, _, self.buffer = self.buffer.partition(b"\0")
        message = json.loads(text)
        if "id" in message:
            self.answers[message["id"]] = message
        else:
            self.note(message["method"], message["params"])

    def note(self, method, event):
        if method == "Network.requestWillBeSent":
            self.requests.append(event["request"]["url"])
        elif method == "Runtime.exceptionThrown":
            self.problems.append(json.dumps(event["exceptionDetails"]))
        elif method == "Runtime.consoleAPICalled" and event["type"] in ("error", "assert"):
            self.problems.append(json.dumps(event["args"]))
        elif method == "Log.entryAdded" and event["entry"]["level"] == "error":
            self.problems.append(event["entry"]["text"] + " " + event["entry"].get("url", ""))

    def evaluate(self, script):
        """The value of an expression of JavaScript in the page, as JSON holds it; promises are awaited."""
        answer = self.send("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(json.dumps(answer["exceptionDetails"]))
        return answer["result"].get("value")

    def until(self, script, seconds=SECONDS):
        """Waits until an expression is true."""
        end = time.monotonic() + seconds
        while not self.evaluate(f"Boolean({script})"):
            if time.monotonic() > end:
                raise TimeoutError(f"{script} stays false; problems: {self.problems}")
            time.sleep(0.02)

    def open(self, address, ready="document.readyState === 'complete'"):
        self.send("Page.navigate", url=address)
        self.until(f"location.href === {json.dumps(address)} && {ready}")

    def look(self, size="desktop", dark=False):
        """Sets the size of the window, and whether the reader's system is dark."""
        width, height = SIZES[size]
        options = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": size == "phone"}
        self.send("Emulation.setDeviceMetricsOverride", **options)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.send("Emulation.setEmulatedMedia", features=[scheme])

    def picture(self, path):
        """Writes the whole page as a PNG."""
        answer = self.send("Page.captureScreenshot", captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(answer["data"]))

    def choose(self, selector, *paths):
        """Chooses files, as a file dialog does."""
        root = self.send("DOM.getDocument")["root"]["nodeId"]
        node = self.send("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]
        self.send("DOM.setFileInputFiles", nodeId=node, files=[str(path) for path in paths])

    def press(self, key):
        for kind in ("keyDown", "keyUp"):
            self.send("Input.dispatchKeyEvent", type=kind, key=key, code=key)

    def mouse(self, kind, x, y, buttons=1):
        self.send("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", buttons=buttons, clickCount=1)

    def faults(self, axe):
        """What axe-core calls serious or critical, texts; `axe` is its script."""
        self.evaluate(f"void (() => {{ {axe} }})()")
        violations = self.evaluate("axe.run().then((result) => result.violations)")
        serious = [fault for fault in violations if fault["impact"] in ("serious", "critical")]
        return [f"{fault['id']}: {[node['html'][:200] for node in fault['nodes']]}" for fault in serious]
