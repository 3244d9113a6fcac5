"""Comparisons of federated training with everything else: an experiment file, its cells, their results."""
