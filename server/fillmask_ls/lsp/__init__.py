"""The language server protocol: life cycle, transports, features."""
