"""The recipe that made the embedded checkpoint: prepare, train, evaluate, export. Not part of the wheel."""
