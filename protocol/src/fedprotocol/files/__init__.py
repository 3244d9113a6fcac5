"""Files on disk: written whole, private where they must be, and blamed rightly when they cannot be used."""
