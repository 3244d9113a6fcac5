"""Where the participants of a federation say on the chain that their content can be read, and what is made of it."""
