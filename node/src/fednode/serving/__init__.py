"""The federation's model behind an HTTP interface that OpenAI's clients know."""
