"""The `fednode` program: one command a file, `app.py` is the table of contents."""
