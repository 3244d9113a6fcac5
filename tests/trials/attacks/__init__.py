"""Attacks on a federation, live: real programs on a real chain, and a judge who looks at everybody's purse."""
