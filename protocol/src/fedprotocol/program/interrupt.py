"""Ctrl-C ends every command soon, with one line and an exit status of its own."""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
import time

STATUS = 130  # as shells have it: 128 and the number of the signal
PATIENCE = 1.5  # seconds in which a program may tidy up; then it ends as it is

_pressed = _said = False


def answer() -> None:
    """From now on SIGINT raises SystemExit(130) in the main thread. If the program has not ended PATIENCE seconds
    later, because a library holds the thread or catches everything, it ends all the same: whatever matters is written
    down before it is done. Where SIGINT is ignored (`nohup`, a shell's background) it stays so."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN or threading.current_thread() is not threading.main_thread():
        return
    reader, writer = socket.socketpair()
    writer.setblocking(False)
    signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
    owner = os.getpid()

    def on_signal(_number: int, _frame: object) -> None:
        if os.getpid() != owner:  # a worker of a library: its parent says it
            os._exit(STATUS)
        note()
        raise SystemExit(STATUS)

    def watch() -> None:
        with writer:
            while (received := reader.recv(1)) != bytes([signal.SIGINT]):
                if not received:  # a library closed what it did not open
                    return
            time.sleep(PATIENCE)
            say()
            os._exit(STATUS)

    signal.signal(signal.SIGINT, on_signal)
    threading.Thread(target=watch, name="ctrl-c", daemon=True).start()


def note() -> None:
    """Ctrl-C is what ends the program: to be called by whoever has a handler of its own for SIGINT."""
    global _pressed
    _pressed = True


def was_pressed() -> bool:
    """Whether Ctrl-C is what ends the program."""
    return _pressed


def say() -> None:
    """The line, once, below the `^C` that the terminal shows."""
    global _said
    if _said:
        return
    _said = True
    try:
        if sys.stderr.isatty():
            sys.stderr.write("\n")
        sys.stderr.write("stopped by Ctrl-C\n")
        sys.stderr.flush()
    except (OSError, ValueError):  # nobody reads it any more
        return
