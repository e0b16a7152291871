"""Everything of Azure AI Face, and what opens it."""
