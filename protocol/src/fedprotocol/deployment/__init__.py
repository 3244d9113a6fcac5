"""What a sponsor decides before deploying, and the record of what was deployed."""
