"""The demonstration: it starts the programs that an operator would start, watches them, and sums up what they did."""
