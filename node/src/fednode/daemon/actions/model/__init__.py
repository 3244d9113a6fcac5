"""What a node does with the base model: train, evaluate, and the same for the site's own model."""
