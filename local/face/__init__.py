"""Face, as far as a session needs it, with controls to script what happens."""
