"""The base of the recipe's errors."""


class StepError(Exception):
    """A step of the recipe can't run; the message states the reason."""
