"""The node's daemon. It reads the chain and the journal again and again, and does the next thing that has to be
done."""
