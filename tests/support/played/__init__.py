"""Federations played by hand on a real anvil: the real contracts and honest content, without programs or a model."""
