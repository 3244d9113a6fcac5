"""What a node does with data: check updates, recompute and fetch globals, judge proposals, unpin old rounds."""
