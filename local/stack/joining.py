"""By which names in its environment the app's process finds the stack."""

CLOCK = "LOCAL_STACK_CLOCK"
LOG = "LOCAL_STACK_LOG"
