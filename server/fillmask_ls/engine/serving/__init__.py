"""The shared engine: an engine behind HTTP, on one machine or on a Ray cluster."""
