"""What a run leaves behind in `all_losses/demo-runs/<run>/`: records, the folder, plots made of it alone."""
