"""The page: your server and a frontend to try in a browser, and what happens upstream."""
