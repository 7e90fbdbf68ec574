"""Engines that answer questions with a model, on this machine or another one: the only package with concurrency."""
