"""The editor's text: lines, positions, masks and the passage around them. No model, no protocol."""
