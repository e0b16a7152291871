// The Flex Consumption plan, the app on it, and every setting it has.

@description('Name of the function app.')
param name string

@description('Name of the plan; one app per plan is what Flex Consumption takes.')
param planName string

@description('Region.')
param location string

@description('Tags.')
param tags object

@description('Resource id of the identity of the app.')
param identityId string

@description('Client id of the identity of the app.')
param identityClientId string

@description('Name of the storage account.')
param storageAccountName string

@description('Address of the container that holds the package of code.')
param packageContainerUrl string

@description('Name of the Application Insights component.')
param componentName string

@description('How the app proves itself to Face.')
param faceAuth string

@description('Address of the Face account.')
param faceEndpoint string

@description('Address of the vault.')
param keyVaultUri string

@description('Names of the secrets in the vault: faceKey and app.')
param secretNames object

@description('Address of the blobs that keep pictures; none where no pictures are kept.')
param imagesBlobEndpoint string?

@description('Address of the topic for events; empty without one.')
param eventsTopicEndpoint string

@description('Name of the environment, by which receivers tell its events from those of another.')
param environmentName string

@description('Settings of the app that differ from the defaults below.')
param choices object

@description('Who may call: address ranges like 203.0.113.0/24, or service tags. Nobody named: everybody.')
param allowedCallers string[]

@description('Who may reach the site that deploys, likewise.')
param allowedDeployers string[]

@description('Origins that browsers may call from.')
param allowedOrigins string[]

@description('Resource id of the subnet of the app; none without private networking.')
param subnetId string?

@description('Runs in several availability zones.')
param zoneRedundant bool

@description('Megabytes of memory per instance.')
param instanceMemoryMB int

@description('The most instances of each group of functions.')
param maximumInstanceCount int

@description('Instances for HTTP that are always there.')
param alwaysReadyHttpInstances int

@description('Instances for the queue that are always there.')
param alwaysReadyQueueInstances int

// The default for Python is 1, which starts an instance, with a cold key cache, for every request that comes
// while another waits for Face. All of ours wait in one event loop, so one instance can hold many. 16 of them,
// each with the largest body the app takes (8 MiB) and the few copies that a multipart body needs on its way to
// Face, stay below 1 GB, half of the smallest instance we advise; and 16 is what the platform itself chooses for
// other languages at that size: https://learn.microsoft.com/azure/azure-functions/functions-concurrency
var requestsPerInstance = 16

var alwaysReady = [
  { name: 'http', instanceCount: alwaysReadyHttpInstances }
  { name: 'function:record_result', instanceCount: alwaysReadyQueueInstances }
]

// The host compares origins letter by letter with what browsers send, which is lower case and without a slash at the end.
var origins = map(allowedOrigins, origin => withoutSlash(toLower(trim(origin))))

// A wildcard would let any website use a key that has leaked into a browser: none may be left, however it was written.
var namedOrigins = contains(origins, '*') ? fail('allowedOrigins must name origins, never *') : origins

var settings = {
  // The app: docs/settings.md says what each of these means. The first eight it has from this deployment.
  FACE_AUTH: faceAuth
  FACE_ENDPOINT: faceEndpoint
  KEY_VAULT_URL: keyVaultUri
  FACE_KEY_SECRET_NAME: secretNames.faceKey
  IMAGES_BLOB_ENDPOINT: imagesBlobEndpoint ?? ''
  APP_SECRET_NAME: secretNames.app
  EVENTS_TOPIC_ENDPOINT: eventsTopicEndpoint
  ENVIRONMENT_NAME: environmentName
  FACE_KEY_CACHE_SECONDS: '600'
  SERVER_AUTH: 'key'
  ENTRA_TENANT_ID: tenant().tenantId
  ENTRA_AUDIENCE: ''
  SWEEP_SCHEDULE: '0 * * * * *'
  SWEEP_FACE_CALLS_PER_SECOND: '5'
  SESSION_GRACE_SECONDS: '300'
  RETENTION_DAYS: '90'
  MAX_TOKEN_SECONDS: '600'
  MAX_OPEN_SESSIONS: '5'
  MAX_STARTS_PER_HOUR: '20'
  MAX_FAILURES: '5'
  ALLOW_CREATES: 'true'
  DIGEST_POLICY: 'optional'
  FACE_MODEL_VERSION: ''
  VERIFY_CONFIDENCE_THRESHOLD: ''
  VERIFY_CONFIDENCE_FLOOR: '0'
  VERIFY_IMAGE_HASH: 'require'
  CLIENT_REFERENCE_IMAGE: 'refuse'
  REFERENCE_MAX_AGE_DAYS: '90'
  SESSION_IMAGE: 'off'
  SESSION_IMAGE_ANALYSIS: ''
  MIN_REFERENCE_QUALITY: 'medium'
  FACE_TIMEOUT_SECONDS: '5'
  FACE_BUDGET_SECONDS: '10'
  STORE_TIMEOUT_SECONDS: '3'
  KEY_TIMEOUT_SECONDS: '3'

  // The storage of the host and of the app, by identity: addresses, so that every cloud's suffix is right.
  AzureWebJobsStorage__credential: 'managedidentity'
  AzureWebJobsStorage__clientId: identityClientId
  AzureWebJobsStorage__blobServiceUri: storage.properties.primaryEndpoints.blob
  AzureWebJobsStorage__queueServiceUri: storage.properties.primaryEndpoints.queue
  AzureWebJobsStorage__tableServiceUri: storage.properties.primaryEndpoints.table

  // Where Entra is in this cloud: the SDKs look there, and so does the app for the keys of callers' tokens.
  AZURE_AUTHORITY_HOST: environment().authentication.loginEndpoint

  // The SDKs find a user-assigned identity by its id only, and try nothing but identities.
  AZURE_CLIENT_ID: identityClientId
  AZURE_TOKEN_CREDENTIALS: 'ManagedIdentityCredential'

  // An address, not a secret: the component takes telemetry from our identity only.
  APPLICATIONINSIGHTS_CONNECTION_STRING: component.properties.ConnectionString
  APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${identityClientId};Authorization=AAD'

  // The app takes bodies of 8 MiB; the host would buffer 100 MB before the app could say no.
  FUNCTIONS_REQUEST_BODY_SIZE_LIMIT: '8388608'

  // The page that greets whoever opens the bare address tells that this is a Functions app, and nothing else.
  AzureWebJobsDisableHomepage: 'true'
}

func asRules(sources string[]) array =>
  map(sources, (source, i) => {
    name: 'allowed-${i}'
    action: 'Allow'
    priority: 100 + i
    tag: contains(source, '/') ? 'Default' : 'ServiceTag'
    ipAddress: trim(source)
  })

func withoutSlash(origin string) string => endsWith(origin, '/') ? take(origin, max(0, length(origin) - 1)) : origin

resource storage 'Microsoft.Storage/storageAccounts@2025-06-01' existing = {
  name: storageAccountName
}

resource component 'Microsoft.Insights/components@2020-02-02' existing = {
  name: componentName
}

resource plan 'Microsoft.Web/serverfarms@2025-03-01' = {
  name: planName
  location: location
  tags: tags
  kind: 'functionapp'
  sku: { name: 'FC1', tier: 'FlexConsumption' }
  properties: {
    reserved: true
    zoneRedundant: zoneRedundant
  }
}

resource app 'Microsoft.Web/sites@2025-03-01' = {
  name: name
  location: location
  // azd finds the app of its service `api` by this tag.
  tags: union(tags, { 'azd-service-name': 'api' })
  kind: 'functionapp,linux'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: { '${identityId}': {} }
  }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    virtualNetworkSubnetId: subnetId
    functionAppConfig: {
      deployment: {
        storage: {
          type: 'blobContainer'
          value: packageContainerUrl
          authentication: {
            type: 'UserAssignedIdentity'
            userAssignedIdentityResourceId: identityId
          }
        }
      }
      runtime: { name: 'python', version: '3.13' }
      scaleAndConcurrency: {
        instanceMemoryMB: instanceMemoryMB
        maximumInstanceCount: maximumInstanceCount
        alwaysReady: filter(alwaysReady, group => group.instanceCount > 0)
        triggers: { http: { perInstanceConcurrency: requestsPerInstance } }
      }
    }
    siteConfig: {
      minTlsVersion: '1.2'
      scmMinTlsVersion: '1.2'
      http20Enabled: true
      ipSecurityRestrictions: asRules(allowedCallers)
      ipSecurityRestrictionsDefaultAction: empty(allowedCallers) ? 'Allow' : 'Deny'
      scmIpSecurityRestrictions: asRules(allowedDeployers)
      scmIpSecurityRestrictionsDefaultAction: empty(allowedDeployers) ? 'Allow' : 'Deny'
      scmIpSecurityRestrictionsUseMain: false
      cors: { allowedOrigins: namedOrigins, supportCredentials: false }
    }
  }

  // Deploying this replaces all settings, so what is not here is not set.
  resource appSettings 'config' = {
    name: 'appsettings'
    properties: union(settings, choices)
  }

  // Passwords for deployment, off: azd, func and the GitHub action all come with a token.
  resource ftpPasswords 'basicPublishingCredentialsPolicies' = {
    name: 'ftp'
    properties: { allow: false }
  }

  resource deploymentPasswords 'basicPublishingCredentialsPolicies' = {
    name: 'scm'
    properties: { allow: false }
  }
}

@description('Name of the function app.')
output name string = app.name

@description('Address of the function app.')
output url string = 'https://${app.properties.defaultHostName}'
