"""Render results for people: terminal tables, Markdown and HTML."""
