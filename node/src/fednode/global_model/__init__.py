"""What a site does with the tuned model."""
