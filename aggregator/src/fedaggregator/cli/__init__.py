"""The `fedaggregator` program."""
