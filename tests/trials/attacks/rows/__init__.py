"""One attack a module; ../README.md says how to write one."""
