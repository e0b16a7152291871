"""An Event Grid topic: what came, and a webhook that gets it too."""
