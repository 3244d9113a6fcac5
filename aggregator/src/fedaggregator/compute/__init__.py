"""From the accepted updates of a round to its global model: fetched, verified, merged."""
