"""Training by several processes, on one machine or several: a daemon hands jobs to them through a folder that all of
them see. The one that leads reads and writes there; what they compute together is in `fednode.training.group`."""
