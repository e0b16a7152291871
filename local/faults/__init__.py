"""Failures on order, as callers feel them."""
