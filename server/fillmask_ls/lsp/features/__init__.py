"""One file a feature, each pure: what stands at the cursor and the model's ranking, to the protocol's types."""
