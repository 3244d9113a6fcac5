"""What only a site does in a private federation: its key of a round, the masks it shares with each peer, and its update
under them."""
