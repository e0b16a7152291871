"""Functions apps that ours is compared with, each with the same routes."""
