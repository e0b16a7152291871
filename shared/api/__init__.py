"""HTTP in, HTTP out: what routes take and answer."""
