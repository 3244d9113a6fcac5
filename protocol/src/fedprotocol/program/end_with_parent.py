"""Run a command that does not outlive its parent: `end_with_parent.py PARENT_PID COMMAND…`.

The parent stops its children when it ends in any way that lets it act. If the parent cannot act (kill -9), Linux sends
SIGTERM to the command when the parent is gone. Elsewhere the command simply runs.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1  # linux/prctl.h; survives execve


def end_with(parent: int) -> None:
    """From now on this process ends when its parent, of that process id, does; on Linux only."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # the parent ended before this call
            sys.exit(1)


def main() -> None:
    parent, command = int(sys.argv[1]), sys.argv[2:]
    end_with(parent)
    try:
        os.execvp(command[0], command)  # noqa: S606 - no shell is wanted here
    except OSError as error:
        sys.exit(f"{command[0]} cannot be started: {error.strerror}")


if __name__ == "__main__":
    main()
