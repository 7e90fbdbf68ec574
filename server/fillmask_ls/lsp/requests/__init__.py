"""One file per request of the protocol: its handler and how its answer is rendered."""
