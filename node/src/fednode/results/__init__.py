"""What a run leaves behind in `all_losses/<run>/`: records, the folder, and plots made from the folder alone."""
