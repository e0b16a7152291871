"""A small stand-in for `func start`: it runs this app on a laptop as Azure would.

`host.FunctionsHost` is the way in; `python -m local.functions_host` runs it in its own process.
README.md says what it does as the real host does, and what it does not.
"""
