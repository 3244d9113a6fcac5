"""Where a server of ours listens."""

from __future__ import annotations

import errno
import socket

from fedprotocol.errors import FedError


class CannotListen(FedError):
    """A server cannot listen where it should. The message says what to choose instead."""

    needs_person = True


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens at `host`, a name or an address of this machine. Port 0: any that is free. Raises
    CannotListen."""
    try:
        family, kind, number, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except (OSError, UnicodeError) as error:
        raise CannotListen(f"--host {host!r} is no address: give 127.0.0.1, or one of this machine's own") from error
    listening = socket.socket(family, kind, number)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind(address)
        listening.listen()
    except OSError as error:
        listening.close()
        raise CannotListen(_why(error, host, port)) from error
    return listening


def _why(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"another program listens on port {port} already: choose another with --port, or --port 0 for any"
    if error.errno in (errno.EACCES, errno.EPERM):
        return f"this user may not listen on port {port}: choose one above 1023, and put a web server in front of it"
    if error.errno == errno.EADDRNOTAVAIL:
        return f"{host} is no address of this machine: leave --host out, or give one that it has"
    return f"cannot listen at {host}, port {port}: {error.strerror}"
