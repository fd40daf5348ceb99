"""A process of its own for what runs TensorFlow: it is forked, and when it has grown, the next one takes its place.

TensorFlow never returns the memory of its largest step to the system; only the end of a process does. A process that
has imported TensorFlow, and not run it, can be forked in milliseconds, with all that it holds: code, recipe, data.
"""

import contextlib
import json
import os
import select
import signal
import socket
import sys
import threading
import traceback
import warnings
from collections.abc import Callable
from typing import Any, NoReturn

from tensorflow.python.eager import context

from keras_dl.checks import refusal

#: Ctrl-C and the like reach a whole group of processes; the one that asks decides what becomes of the others.
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
#: Seconds between two looks at whether the user wants an end.
PAUSE = 0.2
#: Errors that are raised again where they were asked for; others by the nearest of these.
KINDS = (
    BlockingIOError, ConnectionError, FileExistsError, FileNotFoundError, PermissionError, OSError,
    ImportError, LookupError, TypeError, ValueError, RuntimeError, Exception,
)  # fmt: skip


class Ended(RuntimeError):
    """The process ended before it had answered."""


class Gone(ConnectionError):
    """There is no process any more that could be asked."""

    def __init__(self):
        super().__init__("the process in which trials run has ended")


def is_possible() -> bool:
    """Whether this process can be forked: TensorFlow has not started threads, or an accelerator, that it would lack."""
    # No public function says whether TensorFlow has started without starting it.
    begun = context.context_safe()
    if begun is None:
        return sys.platform == "linux"
    accelerated = any(device.device_type != "CPU" for device in begun._physical_devices or ())
    return sys.platform == "linux" and not begun._initialized and not accelerated


class Forked:
    """Answers what it is asked, one question at a time, in a process that is forked from this one.

    A process in between, which runs no TensorFlow, forks one after the other that does. Questions, answers and what is
    said meanwhile are lines of JSON. All of them end when this process does, however it ends.

    Args:
        answer: function `answer(question, say)` that returns `(answer, last)`, whether the next question is for another
            process; `say(message)` tells this one something meanwhile.

    Raises:
        RuntimeError: if this process has run TensorFlow.
    """

    def __init__(self, answer: Callable):
        if not is_possible():
            raise refusal("processes should fork on Linux, before TensorFlow runs", sys.platform, error=RuntimeError)
        self._channel, theirs = socket.socketpair()
        alive, self._alive = os.pipe()
        self._received, self._number = b"", 0
        before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        try:
            self._process = _fork()
            if not self._process:
                self._channel.close()
                os.close(self._alive)
                _supervise(answer, theirs, alive, before)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        theirs.close()
        os.close(alive)

    def ask(self, question: Any, heard: Callable = print, check: Callable = lambda: None) -> Any:
        """Returns the answer to a question.

        Args:
            question: what JSON holds.
            heard: function that is given what is said meanwhile.
            check: function that is called often, and may raise what ends the waiting.

        Raises:
            Ended: if the process ended over it.
            Gone: if there is none, and will be none.
            Exception: what answering raised, or the nearest of `KINDS`, with its traceback as a note.
        """
        self._number += 1
        self._forget()
        self._send({"number": self._number, "question": question})
        while True:
            match self._next(check):
                case {"number": number} if number != self._number:
                    continue  # of a question that was given up
                case {"answer": answer}:
                    return answer
                case {"said": message}:
                    heard(message)
                case {"error": error}:
                    raise _raised(**error)
                case {"ended": code}:
                    raise Ended(f"its process {described(code)}")

    def close(self) -> None:
        """Ends the process."""
        if self._process:
            os.close(self._alive)
            self._channel.close()
            os.waitpid(self._process, 0)
            self._process = None

    def _send(self, message):
        try:
            self._channel.sendall(_line(message))
        except OSError as error:
            raise Gone() from error

    def _forget(self):
        """Drops what was said since the last answer, such as the end of a process that was idle."""
        if self._process is None:
            raise Gone()
        while b"\n" in self._received or select.select([self._channel], [], [], 0)[0]:
            self._next(lambda: None)

    def _next(self, check):
        """The next message; half of one is nobody's, as its process ended over it."""
        while True:
            while b"\n" not in self._received:
                check()
                if select.select([self._channel], [], [], PAUSE)[0]:
                    try:
                        received = self._channel.recv(1 << 16)
                    except ConnectionError as error:
                        raise Gone() from error
                    if not received:
                        raise Gone()
                    self._received += received
            line, _, self._received = self._received.partition(b"\n")
            try:
                return json.loads(line)
            except ValueError:
                continue


def described(code: int) -> str:
    """How a process ended, in words."""
    if code == -signal.SIGKILL:
        return "was ended by SIGKILL: out of memory, perhaps"
    return f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"


def _fork():
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):  # of threads of libraries
        return os.fork()


def _supervise(answer, channel, alive, mask) -> NoReturn:
    """Forks one worker after the other, until nobody asks any more."""
    try:
        for number in SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        while not select.select([alive], [], [], 0)[0]:
            worker = _fork()
            if not worker:
                _work(answer, channel, alive)
            code = os.waitstatus_to_exitcode(os.waitpid(worker, 0)[1])
            if code:
                channel.sendall(b"\n" + _line({"ended": code}))
    finally:
        os._exit(0)


def _work(answer, channel, alive) -> NoReturn:
    """Answers questions, up to one that is the last for this process."""

    def tell(number, message):
        channel.sendall(_line({"number": number, "said": message}))

    code = 1
    try:
        threading.Thread(target=_end_with, args=(alive,), daemon=True).start()
        for line in channel.makefile("rb"):
            asked = json.loads(line)
            reply, last = _replied(answer, asked["question"], lambda message, of=asked["number"]: tell(of, message))
            _flush()
            channel.sendall(_line({"number": asked["number"], **reply}))
            if last:
                break
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        _flush()
        os._exit(code)


def _replied(answer, question, say):
    """The answer to a question, or the error that it raised, and whether the process ends after it."""
    try:
        reply, last = answer(question, say)
    except Exception as error:
        return {"error": _told(error)}, False
    return {"answer": reply}, last


def _end_with(alive):
    """Ends this process as soon as the one that asks has ended, which closes the other end of the pipe."""
    os.read(alive, 1)
    os._exit(0)


def _flush():
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError):  # nobody reads what is printed
            stream.flush()


def _line(message):
    return json.dumps(message).encode() + b"\n"


def _told(error):
    """An error as JSON holds it."""
    kind = next(kind for kind in KINDS if isinstance(error, kind))
    system = isinstance(error, OSError) and error.strerror is not None
    arguments = [error.errno, error.strerror, error.filename] if system else [str(error)]
    trace = "".join(traceback.format_exception(error))
    return {"kind": kind.__name__, "arguments": json.loads(json.dumps(arguments, default=str)), "trace": trace}


def _raised(kind, arguments, trace):
    """The error that was told."""
    error = next(known for known in KINDS if known.__name__ == kind)(*arguments)
    error.add_note(f"In the process that was asked:\n{trace}")
    return error
