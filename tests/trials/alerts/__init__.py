"""Dashboards and alert rules on a real Prometheus, which asks real programs."""
