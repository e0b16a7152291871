"""Failures on demand, as callers feel them."""
