// One environment, for developing and trying out. What differs comes from the environment of the command:
// `azd env set NAME VALUE`, or `export NAME=VALUE` before `az deployment group create`.
using 'main.bicep'

var faceRegion = readEnvironmentVariable('FACE_LOCATION', '')
var origins = readEnvironmentVariable('ALLOWED_ORIGINS', '')
var emails = readEnvironmentVariable('ALERT_EMAILS', '')
var pagers = readEnvironmentVariable('PAGE_EMAILS', '')

param environmentName = readEnvironmentVariable('AZURE_ENV_NAME', 'dev')
param faceLocation = empty(faceRegion) ? null : faceRegion
param faceSku = readEnvironmentVariable('FACE_SKU', 'S0')
param faceAuth = readEnvironmentVariable('FACE_AUTH', 'key')

// true, once your server wants to be told.
param events = bool(readEnvironmentVariable('EVENTS', 'false'))

// Several, with commas between them.
param allowedOrigins = empty(origins) ? [] : split(origins, ',')
param alertEmails = empty(emails) ? [] : split(emails, ',')
param pageEmails = empty(pagers) ? [] : split(pagers, ',')

// false, before the first deployment, lets a teardown purge the vault.
param keyVaultPurgeProtection = bool(readEnvironmentVariable('KEY_VAULT_PURGE_PROTECTION', 'true'))
param softDeleteDays = 7
