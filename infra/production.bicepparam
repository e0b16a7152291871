// Production: in several zones, storage and vault off the internet, no cold start, watched from outside, logs for a
// quarter of a year.
using 'main.bicep'

var faceRegion = readEnvironmentVariable('FACE_LOCATION', '')
var origins = readEnvironmentVariable('ALLOWED_ORIGINS', '')
var emails = readEnvironmentVariable('ALERT_EMAILS', '')
var pagers = readEnvironmentVariable('PAGE_EMAILS', '')
var callers = readEnvironmentVariable('ALLOWED_CALLERS', '')
var deployers = readEnvironmentVariable('ALLOWED_DEPLOYERS', '')

param environmentName = readEnvironmentVariable('AZURE_ENV_NAME', 'production')
param faceLocation = empty(faceRegion) ? null : faceRegion
param faceAuth = readEnvironmentVariable('FACE_AUTH', 'key')

// true, once your server wants to be told.
param events = bool(readEnvironmentVariable('EVENTS', 'false'))

// Several, with commas between them.
param allowedOrigins = empty(origins) ? [] : split(origins, ',')
param alertEmails = empty(emails) ? [] : split(emails, ',')
param pageEmails = empty(pagers) ? [] : split(pagers, ',')
param allowedCallers = empty(callers) ? [] : split(callers, ',')
param allowedDeployers = empty(deployers) ? [] : split(deployers, ',')

param zoneRedundant = true
param privateNetworking = true
param alwaysReadyHttpInstances = 2
param availabilityTest = true
param softDeleteDays = 90
param logRetentionDays = 90
param logDailyQuotaGb = 5
