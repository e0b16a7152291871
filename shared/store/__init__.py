"""What is kept: tables, their rows and keys."""
