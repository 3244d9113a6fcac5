"""The node's figures, handed on to trackers of experiments: TensorBoard, W&B, MLflow, Trackio, or CSV files.

What is handed on is read from `home/metrics`, in a process of its own, so that no tracker can hold up a node.
"""
