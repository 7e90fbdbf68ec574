"""The training recipe of the embedded checkpoint: prepare, train, evaluate, export. Not in the wheel."""
