"""How a daemon is watched from outside: figures for Prometheus and a health endpoint, on loopback only."""
