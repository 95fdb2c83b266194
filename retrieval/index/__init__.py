"""Vector indexes: where multi-vectors of pages are stored and ranked by MaxSim."""
