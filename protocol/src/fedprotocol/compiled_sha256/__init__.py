"""SHA-256 of many blocks of one size, compiled by numba."""
