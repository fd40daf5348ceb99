"""Runs functions in processes of their own, forked from one that has imported keras_dl already: half a second each.

What needs a process of its own: logical devices and workers, which must exist before TensorFlow starts, and being
killed; and what should not see what this process knows: files that are loaded after `import keras_dl` alone.
"""

import atexit
import contextlib
import functools
import io
import multiprocessing
import os
import pathlib
import resource
import shutil
import sys
import tempfile
import traceback

ROOT = pathlib.Path(__file__).resolve().parents[1]


class Processes:
    """Starts processes that run functions of importable modules.

    Args:
        folder: Where each process' output goes.
    """

    def __init__(self, folder):
        self.folder = folder
        self.started = []
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(["tests.runtime.jobs"])

    def start(self, function, *args, **environment):
        """Starts `function(*args)`; returns a `Job`."""
        log = self.folder / f"{len(self.started)}_{function.__name__}.log"
        receiver, sender = self._context.Pipe(duplex=False)
        process = self._context.Process(target=_run, args=(sender, log, environment, function, args), daemon=True)
        with _environment(PYTHONPATH=str(ROOT)):  # for the process that is forked
            process.start()
        sender.close()
        self.started.append(process)
        return Job(process, receiver, log)

    def call(self, function, *args, timeout=600, **environment):
        """Returns what `function(*args)` returns in a process of its own."""
        return self.start(function, *args, **environment).result(timeout)

    def stop(self):
        for process in self.started:
            if process.is_alive():
                process.kill()


class Job:
    """A process that was started, and what it returns."""

    def __init__(self, process, receiver, log):
        self.process, self.log = process, log
        self._receiver = receiver

    def wait(self, timeout=600):
        """Returns the exit code, negative for a signal."""
        self.process.join(timeout)
        assert self.process.exitcode is not None, f"still running after {timeout} s: {self.output()}"
        return self.process.exitcode

    def result(self, timeout=600):
        assert self._receiver.poll(timeout), f"no answer within {timeout} s: {self.output()}"
        try:
            kind, value = self._receiver.recv()
        except EOFError:
            raise AssertionError(f"the process ended with {self.wait()}: {self.output()}") from None
        assert kind == "value", f"{value}\n{self.output()}"
        return value

    def output(self):
        return self.log.read_text() if self.log.exists() else "(no output)"


@functools.cache
def shared():
    """Returns the `Processes` of this session."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="keras_dl_"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    processes = Processes(folder)
    atexit.register(processes.stop)
    return processes


def output_of(program, *arguments, timeout=600):
    """Returns what a program, a text of Python with `sys.argv[1:] == arguments`, prints in a process of its own."""
    return shared().call(_printed, program, arguments, timeout=timeout)


def processor_seconds_of_children():
    """Returns the processor time of all child processes that have ended: unlike the clock's, not that of others."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def exists(process):
    """Returns whether a process is there, and has not ended."""
    try:
        with open(f"/proc/{process}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _printed(program, arguments):
    sys.argv[1:] = arguments
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(program, {"__name__": "__main__"})
    return out.getvalue()


def _run(sender, log, environment, function, args):
    os.environ.update(environment)
    with open(log, "wb") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    try:
        sender.send(("value", function(*args)))
    except BaseException:
        sender.send(("error", traceback.format_exc()))
        raise
    finally:
        sys.stdout.flush()


@contextlib.contextmanager
def _environment(**values):
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
