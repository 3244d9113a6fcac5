"""What has happened, from the coordinator's log alone. Everything here is pure."""
