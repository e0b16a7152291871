"""A folder for PYTHONPATH: what joins the app to the stack in a process of somebody else's."""
