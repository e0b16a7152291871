"""The whole story, told on a terminal."""
