"""One tracker in a module, each with a function `open_tracker(run)`. Their libraries are imported when used."""
