"""Rules compared: what attackers reach under each, what each costs where nobody attacks, and the page that says so."""
