"""How fast this machine aggregates: `fedaggregator bench`."""
