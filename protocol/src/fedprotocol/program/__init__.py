"""How each program runs on its machine: environment, connections, logs, threads, its end."""
