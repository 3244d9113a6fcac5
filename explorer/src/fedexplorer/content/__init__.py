"""Updates and globals as their leaves: fetched from the store, verified, and opened as far as a person wants."""
