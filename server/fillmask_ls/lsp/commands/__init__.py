"""One file per command of ``workspace/executeCommand``. Each takes one object and returns one, of JSON types only."""
