"""What has happened, for whoever subscribes: CloudEvents to an Event Grid topic."""
