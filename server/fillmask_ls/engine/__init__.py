"""ForwardSteps a model without waiting for it: the one place with concurrency."""
