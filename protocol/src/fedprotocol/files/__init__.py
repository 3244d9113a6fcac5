"""Files on disk: written whole, private where they must be, and with errors that name the real cause when they cannot
be used."""
