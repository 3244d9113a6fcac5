"""What whoever runs the explorer says: which federation, where its content is, and what accounts are called."""
