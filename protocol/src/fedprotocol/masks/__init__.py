"""What all parts of a private federation agree on: the transcript that masks are bound to, and the range of sums."""
