"""Start of several workers of a command on this machine: `python -m apps.launch --help`."""

import contextlib
import json
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
import time

from apps import cli, options

GRACE = 10.0  # seconds that workers have to end by themselves
DESCRIPTION = """\
Starts a command several times on this machine, each as one worker of one training run: every batch is divided among
them, and they take the steps that one process would take. Each is told of the others by TF_CONFIG.

Lines of output are passed on with the worker's number before them, and signals (Ctrl-C) are passed on to all workers.
If a worker fails, the others are ended; the exit code is that of the first that failed.
"""
EXAMPLES = """\
examples:
  python -m apps.launch --workers 2 -- python -m apps.train vae --strategy multi_worker --out runs/two
  python -m apps.launch --workers 2 -- python -m apps.train vae --out runs/two --resume    go on after a failure
  python -m apps.launch --workers 2 --search -- python -m apps.tune vae --trials 20      a search together
  python -m apps.launch --workers 3 --search -- python my_search.py        also one of your own, with KerasTuner
"""


def parser():
    parser = options.Parser(
        prog="python -m apps.launch",
        usage="python -m apps.launch --workers N [--search] -- COMMAND ...",
        description=DESCRIPTION,
        epilog=EXAMPLES,
    )
    parser.add_argument("--workers", type=options.whole_number(1, 64), required=True, metavar="N", help="how many")
    parser.add_argument(
        "--search",
        action="store_true",
        help="the workers do not train one model but share a KerasTuner search; one more process keeps its book",
    )
    return parser


def main(argv=None):
    argv = sys.argv[1:] if argv is None else argv
    split = argv.index("--") if "--" in argv else len(argv)
    command = argv[split + 1 :]
    arguments = parser().parse(argv[:split])
    if not command:
        raise cli.UserError("no command; write it after --, for instance: -- python -m apps.train vae")
    environments = search(arguments.workers) if arguments.search else cluster(arguments.workers)
    raise SystemExit(Workers(command, environments).run())


def cluster(count):
    """Environment variables of each worker of a training run, by its name."""
    workers = [f"localhost:{port}" for port in free_ports(count)]
    config = {"cluster": {"worker": workers}}
    tasks = ({"task": {"type": "worker", "index": index}} for index in range(count))
    return {f"worker {index}": {"TF_CONFIG": json.dumps(config | task)} for index, task in enumerate(tasks)}


def search(count):
    """Environment variables of the chief and each worker of a search with KerasTuner, by their names."""
    shared = {"KERASTUNER_ORACLE_IP": "127.0.0.1", "KERASTUNER_ORACLE_PORT": str(free_ports(1)[0])}
    shared["KERAS_DL_SEARCH_WORKERS"] = str(count)  # apps.tune's chief waits for all of them
    names = {"chief": "chief"} | {f"worker {index}": f"tuner{index}" for index in range(count)}
    return {name: shared | {"KERASTUNER_TUNER_ID": identity} for name, identity in names.items()}


def free_ports(count):
    """Ports of this machine that nobody uses now."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("localhost", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


class Workers:
    """The processes of one command.

    Args:
        command: List of texts.
        environments: Dict from the name of a worker to the environment variables that it has beside ours.
        grace: Seconds between asking a worker to end and ending it.
    """

    def __init__(self, command, environments, grace=GRACE):
        self.command, self.environments, self.grace = command, environments, grace
        self.processes = {}
        self.signalled = None
        self._ended = queue.Queue()
        self._readers = []
        self._printing = threading.Lock()

    def run(self):
        """Starts the workers, waits for all of them and returns the exit code."""
        kinds = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        before = {kind: signal.signal(kind, self._pass_on) for kind in kinds}
        try:
            for name, environment in self.environments.items():
                self._start(name, environment)
            return self._wait()
        finally:
            self._send(signal.SIGKILL)
            for kind, handler in before.items():
                signal.signal(kind, handler)

    def _start(self, name, environment):
        try:
            # A session of its own: Ctrl-C reaches a worker through us, once, and its own children end with it.
            process = subprocess.Popen(
                self.command,
                env=os.environ | environment | {"PYTHONUNBUFFERED": "1"},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        except OSError as error:
            raise cli.UserError(f"cannot start {self.command[0]!r}: {error.strerror}") from error
        self.processes[name] = process
        for source, target in ((process.stdout, sys.stdout), (process.stderr, sys.stderr)):
            self._readers.append(self._thread(self._copy, name, source, target))
        self._thread(lambda: self._ended.put((name, process.wait())))

    @staticmethod
    def _thread(function, *args):
        thread = threading.Thread(target=function, args=args, daemon=True)
        thread.start()
        return thread

    def _copy(self, name, source, target):
        try:
            for line in source:
                with self._printing:
                    target.write(f"[{name}] {line.decode(errors='replace')}")
                    target.flush()
        except OSError:  # nobody reads what we print
            self._send(signal.SIGTERM)

    def _wait(self):
        code = 0
        for _ in self.environments:
            name, ended_with = self._next(code)
            if ended_with and not code:
                code = 128 - ended_with if ended_with < 0 else ended_with
                if self.signalled is None:  # else all were told to end, and each has the grace to do so in its own way
                    self._say(
                        f"{name} {describe(ended_with)}: ending the others; a run with checkpoints can be resumed"
                    )
                    self._send(signal.SIGTERM)
        self._print_the_rest()
        return code if self.signalled is None else 128 + self.signalled

    def _print_the_rest(self):
        """Waits for the last lines; not for ever, as a child that a worker has left behind may hold its output open."""
        end = time.monotonic() + self.grace
        for reader in self._readers:
            reader.join(timeout=max(0.0, end - time.monotonic()))

    def _next(self, failed):
        """The next worker that ends; if one has failed, it has to within the grace."""
        while True:
            try:
                return self._ended.get(timeout=self.grace if failed else None)
            except queue.Empty:
                self._send(signal.SIGKILL)

    def _pass_on(self, number, frame):
        self.signalled = number
        self._send(number)
        self._thread(self._kill_after_grace)

    def _kill_after_grace(self):
        time.sleep(self.grace)
        self._send(signal.SIGKILL)

    def _send(self, number):
        for process in self.processes.values():
            if process.poll() is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, number)

    def _say(self, text):
        with self._printing:
            print(f"launch: {text}", file=sys.stderr, flush=True)


def describe(code):
    """How a process ended, in words."""
    return f"was ended by {signal.Signals(-code).name}" if code < 0 else f"failed with exit code {code}"


if __name__ == "__main__":
    cli.run(main)
