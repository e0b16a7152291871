"""What the app costs, as ratios that mean the same on every machine; README.md says how to run."""
