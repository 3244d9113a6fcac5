"""What a site's privacy has cost so far, what a round costs, and when to stop."""
