"""What a node does with data: check updates, recompute and fetch globals, judge proposals, let go of old rounds."""
