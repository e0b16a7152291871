"""The story of a session, without HTTP or Azure."""
