"""Which characters of a text are prose, and how they read without their markup: a module per language."""
