"""All of it joined, started, watched and stopped."""
