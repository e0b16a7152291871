"""What the tests stand on; no tests in here."""
