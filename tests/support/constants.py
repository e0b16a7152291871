"""What the tests know of the app and the local stack from outside."""

FUNCTION_KEY = {"x-functions-key": "local-function-key"}
MASTER_KEY = {"x-functions-key": "local-master-key"}
QUEUE_NAME = "liveness-completions"

# A token lives for 600 seconds, and its grace is 300.
STALE_SECONDS = 901
RETENTION_SECONDS = 90 * 86_400

FINAL = {"completed", "abandoned", "canceled"}
