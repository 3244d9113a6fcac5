"""Hands a node's figures to the real TensorBoard, W&B, MLflow and Trackio, and reads back what they kept."""
