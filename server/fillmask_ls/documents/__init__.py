"""The editor's text: its lines, positions and masks, and the prose around them. No model, no protocol."""
