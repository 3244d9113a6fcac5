"""What a sponsor does before there is a federation: write its spec, bound its updates, try it."""
