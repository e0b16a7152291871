// scripts/events-webhook says all of it; the address of the receiver is on no command line this way.
using 'events-webhook.bicep'

param topicName = readEnvironmentVariable('EVENTS_TOPIC', 'evgt-events-liveness-0000000000')
param endpointUrl = readEnvironmentVariable('EVENTS_WEBHOOK_URL', '')
param audience = readEnvironmentVariable('EVENTS_AUDIENCE', '')
