"""`freezer.py PID`: holds a process group still until this one is told to end, also by the death of its parent."""

import os
import signal
import sys

if __name__ == "__main__":
    target = int(sys.argv[1])
    signals = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)  # pending until waited for: none is missed
    os.killpg(target, signal.SIGSTOP)
    print("frozen", flush=True)
    signal.sigwait(signals)
    os.killpg(target, signal.SIGCONT)
