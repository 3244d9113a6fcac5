"""How each program runs on its machine: environment, connections, logs, threads, and how it ends."""
