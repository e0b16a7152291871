"""A Functions app that ours is compared with."""
