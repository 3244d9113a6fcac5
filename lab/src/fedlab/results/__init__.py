"""The results of a run in `all_losses/demo-runs/<run>/`: records, the folder, and plots made from the folder alone."""
