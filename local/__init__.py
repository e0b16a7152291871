"""Stand-ins for Azure on a laptop: the same app, the real SDKs, no cloud. Never ships."""
