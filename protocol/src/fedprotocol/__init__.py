"""What every part of a federation agrees on: numbers, tree, CAR, spec, stores, chain, journal."""
