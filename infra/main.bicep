// Joins the modules and decides nothing. Deploys into one resource group:
// `azd up`, or `az deployment group create --parameters infra/main.bicepparam`.
targetScope = 'resourceGroup'

metadata description = 'Face Liveness Functions, with everything it needs.'

@description('Settings of the app that may differ from what function-app.bicep sets; docs/settings.md says what each means.')
@sealed()
type Choices = {
  FACE_KEY_CACHE_SECONDS: string?
  SERVER_AUTH: string?
  ENTRA_TENANT_ID: string?
  ENTRA_AUDIENCE: string?
  SWEEP_SCHEDULE: string?
  SWEEP_FACE_CALLS_PER_SECOND: string?
  SESSION_GRACE_SECONDS: string?
  RETENTION_DAYS: string?
  MAX_TOKEN_SECONDS: string?
  MAX_OPEN_SESSIONS: string?
  MAX_STARTS_PER_HOUR: string?
  MAX_FAILURES: string?
  ALLOW_CREATES: string?
  DIGEST_POLICY: string?
  FACE_MODEL_VERSION: string?
  VERIFY_CONFIDENCE_THRESHOLD: string?
  VERIFY_CONFIDENCE_FLOOR: string?
  VERIFY_IMAGE_HASH: string?
  CLIENT_REFERENCE_IMAGE: string?
  REFERENCE_MAX_AGE_DAYS: string?
  SESSION_IMAGE: string?
  SESSION_IMAGE_ANALYSIS: string?
  MIN_REFERENCE_QUALITY: string?
  FACE_TIMEOUT_SECONDS: string?
  FACE_BUDGET_SECONDS: string?
  STORE_TIMEOUT_SECONDS: string?
  KEY_TIMEOUT_SECONDS: string?
}

@description('Name of the environment. Part of what makes the names of the resources unique, so it must not change.')
@minLength(2)
@maxLength(64)
param environmentName string

@description('Region of everything but Face.')
param location string = resourceGroup().location

@description('Region of Face, which is not offered wherever Flex Consumption is. The same region, if none is given.')
param faceLocation string?

@description('Resource id of a Face account that is there already, in any resource group; none given, one is made. With key, its first key is copied into the vault.')
param faceAccountId string?

@description('S0: ten calls a second. F0: free, twenty calls a minute, one account per subscription, for trying out.')
@allowed(['F0', 'S0'])
param faceSku string = 'S0'

@description('How the app proves itself to Face: key, from the vault; or entra, and then the account takes no keys.')
@allowed(['key', 'entra'])
param faceAuth string = 'key'

@description('Origins that browsers may call from, like https://app.example.com. None by default, and never *.')
param allowedOrigins string[] = []

@description('Who may call the app: address ranges like 203.0.113.0/24, or service tags. Nobody named: everybody.')
param allowedCallers string[] = []

@description('Who may reach the site that deploys code, likewise.')
param allowedDeployers string[] = []

@description('Addresses that get a mail for each alert. Without any, alerts are seen in the portal only.')
param alertEmails string[] = []

@description('Addresses of what wakes somebody up. They get only the alerts that cannot wait until morning.')
param pageEmails string[] = []

@description('Asks for /api/health from three regions every five minutes: 26,000 calls a month, about $16.')
param availabilityTest bool = false

@description('Makes a topic that the app tells how sessions end; scripts/events-webhook then has your server told. $0.60 for a million.')
param events bool = false

@description('Settings of the app that differ from the defaults.')
param choices Choices = {}

@description('Memory of an instance. On demand, an hour of work costs about $0.05, $0.19 or $0.37 in this order.')
@allowed([512, 2048, 4096])
param instanceMemoryMB int = 2048

@description('The most instances of each group of functions: a ceiling for the bill. 40 is the least that every region takes.')
@minValue(1)
@maxValue(1000)
param maximumInstanceCount int = 40

@description('Instances that wait for HTTP requests, so that few meet a cold start. Each costs about $21 a month at 2048 MB.')
@minValue(0)
@maxValue(20)
param alwaysReadyHttpInstances int = 0

@description('Instances that wait for messages of the queue, so that a reported check is looked at again without a cold start.')
@minValue(0)
@maxValue(20)
param alwaysReadyQueueInstances int = 0

@description('Runs and keeps data in several zones. Keeps two instances of each of three groups of functions ready: about $126 a month.')
param zoneRedundant bool = false

@description('Storage and vault in a virtual network, not on the internet. Costs about $39 a month.')
param privateNetworking bool = false

@description('Addresses of that network, /24 or larger.')
param networkAddressPrefix string = '10.60.0.0/24'

@description('Nobody can purge the vault before its time. Cannot be undone; turn it off for throw-away environments only.')
param keyVaultPurgeProtection bool = true

@description('Days in which deleted blobs, secrets and the vault itself can be brought back.')
@minValue(7)
@maxValue(90)
param softDeleteDays int = 30

@description('Resource id of a Log Analytics workspace that is there already, in any resource group; none given, one is made.')
param workspaceId string?

@description('Days that logs are kept; the first 31 are free.')
@minValue(30)
@maxValue(730)
param logRetentionDays int = 30

@description('Gigabytes of logs a day, after which no more are taken. A gigabyte costs about $2.30.')
@minValue(1)
param logDailyQuotaGb int = 1

@description('Tags for every resource, beside our own.')
param tags object = {}

// One expression names everything: `kv-` and 19 more characters are just what a vault takes.
var uniqueStem = take(uniqueString(resourceGroup().id, environmentName), 10)
var stem = 'liveness-${uniqueStem}'
var facePath = split(faceAccountId ?? resourceGroup().id, '/')
var allTags = union(tags, { workload: 'face-liveness', environment: environmentName, 'azd-env-name': environmentName })
// Nothing is made for pictures that nobody keeps.
var keepsImages = (choices.?SESSION_IMAGE ?? 'off') != 'off'
var packageAccountName = 'stlivenesscode${uniqueStem}'
// Each is a setting of the app: a secret of another name would be another secret.
var secretNames = { faceKey: 'face-api-key', app: 'app-secret' }

module identity 'identity.bicep' = {
  params: {
    name: 'id-${stem}'
    location: location
    tags: allTags
  }
}

module monitoring 'monitoring.bicep' = {
  params: {
    existingWorkspaceId: workspaceId
    workspaceName: 'log-${stem}'
    componentName: 'appi-${stem}'
    location: location
    tags: allTags
    appPrincipalId: identity.outputs.principalId
    retentionInDays: logRetentionDays
    dailyQuotaGb: logDailyQuotaGb
  }
}

module storage 'storage.bicep' = {
  params: {
    name: 'st${replace(stem, '-', '')}'
    location: location
    tags: allTags
    appPrincipalId: identity.outputs.principalId
    zoneRedundant: zoneRedundant
    privateOnly: privateNetworking
    softDeleteDays: softDeleteDays
    workspaceId: monitoring.outputs.workspaceId
  }
}

module package 'package.bicep' = {
  params: {
    name: packageAccountName
    location: location
    tags: allTags
    appPrincipalId: identity.outputs.principalId
    zoneRedundant: zoneRedundant
    privateOnly: privateNetworking
    softDeleteDays: softDeleteDays
    workspaceId: monitoring.outputs.workspaceId
  }
}

module images 'images.bicep' = if (keepsImages) {
  params: {
    name: 'stlivenessimgs${uniqueStem}'
    location: location
    tags: allTags
    appPrincipalId: identity.outputs.principalId
    zoneRedundant: zoneRedundant
    privateOnly: privateNetworking
    retentionDays: int(choices.?RETENTION_DAYS ?? '90')
    workspaceId: monitoring.outputs.workspaceId
  }
}

module keyVault 'key-vault.bicep' = {
  params: {
    name: 'kv-${stem}'
    location: location
    tags: allTags
    appPrincipalId: identity.outputs.principalId
    purgeProtection: keyVaultPurgeProtection
    softDeleteDays: softDeleteDays
    privateOnly: privateNetworking
    workspaceId: monitoring.outputs.workspaceId
  }
}

module face 'face.bicep' = if (faceAccountId == null) {
  params: {
    name: 'face-${stem}'
    location: faceLocation ?? location
    tags: allTags
    skuName: faceSku
    auth: faceAuth
    workspaceId: monitoring.outputs.workspaceId
  }
}

module faceAccess 'face-access.bicep' = {
  scope: resourceGroup(facePath[2], facePath[4])
  params: {
    accountName: face.?outputs.name ?? last(facePath)
    auth: faceAuth
    readsImages: keepsImages
    appPrincipalId: identity.outputs.principalId
  }
}

module appSecret 'app-secret.bicep' = {
  params: {
    vaultName: keyVault.outputs.name
    secretName: secretNames.app
  }
}

module firstFaceKey 'first-face-key.bicep' = if (faceAuth == 'key') {
  params: {
    faceAccountId: faceAccess.outputs.id
    vaultName: keyVault.outputs.name
    secretName: secretNames.faceKey
  }
}

module network 'network.bicep' = if (privateNetworking) {
  params: {
    name: 'vnet-${stem}'
    location: location
    tags: allTags
    addressPrefix: networkAddressPrefix
    storageAccountId: storage.outputs.id
    packageAccountId: package.outputs.id
    hasImages: keepsImages
    imagesAccountId: images.?outputs.id
    keyVaultId: keyVault.outputs.id
  }
}

module topic 'events-topic.bicep' = if (events) {
  params: {
    name: 'evgt-events-${stem}'
    location: location
    tags: allTags
    appPrincipalId: identity.outputs.principalId
  }
}

module functionApp 'function-app.bicep' = {
  params: {
    name: 'func-${stem}'
    planName: 'plan-${stem}'
    location: location
    tags: allTags
    identityId: identity.outputs.id
    identityClientId: identity.outputs.clientId
    storageAccountName: storage.outputs.name
    packageContainerUrl: package.outputs.containerUrl
    componentName: monitoring.outputs.componentName
    faceAuth: faceAuth
    faceEndpoint: faceAccess.outputs.endpoint
    keyVaultUri: keyVault.outputs.uri
    secretNames: secretNames
    imagesBlobEndpoint: images.?outputs.blobEndpoint
    eventsTopicEndpoint: topic.?outputs.endpoint ?? ''
    environmentName: environmentName
    choices: choices
    // Whoever asks from outside must be let in, too.
    allowedCallers: empty(allowedCallers) || !availabilityTest
      ? allowedCallers
      : union(allowedCallers, ['ApplicationInsightsAvailability'])
    allowedDeployers: allowedDeployers
    allowedOrigins: allowedOrigins
    subnetId: network.?outputs.appSubnetId
    zoneRedundant: zoneRedundant
    instanceMemoryMB: instanceMemoryMB
    maximumInstanceCount: maximumInstanceCount
    alwaysReadyHttpInstances: alwaysReadyHttpInstances
    alwaysReadyQueueInstances: alwaysReadyQueueInstances
  }
}

module notify 'notify.bicep' = {
  params: {
    suffix: stem
    tags: allTags
    emails: alertEmails
    pageEmails: pageEmails
  }
}

module alerts 'alerts.bicep' = {
  params: {
    suffix: stem
    location: location
    tags: allTags
    mail: notify.outputs.mail
    page: notify.outputs.page
    componentName: monitoring.outputs.componentName
    workspaceId: monitoring.outputs.workspaceId
    dailyQuotaGb: workspaceId == null ? logDailyQuotaGb : null
    faceAccountId: faceAccess.outputs.id
    keyVaultId: keyVault.outputs.id
    packageAccountName: packageAccountName
    hasEvents: events
    topicId: topic.?outputs.id
  }
}

module workbook 'workbook.bicep' = {
  params: {
    suffix: stem
    location: location
    tags: allTags
    componentName: monitoring.outputs.componentName
    workspaceId: monitoring.outputs.workspaceId
    faceAccountId: faceAccess.outputs.id
  }
}

module availability 'availability.bicep' = if (availabilityTest) {
  params: {
    suffix: stem
    location: location
    tags: allTags
    page: notify.outputs.page
    componentName: monitoring.outputs.componentName
    url: functionApp.outputs.url
  }
}

@description('Name of the function app, for deploying code.')
output AZURE_FUNCTION_APP_NAME string = functionApp.outputs.name

@description('Address of the API, without its prefix `/api`.')
output AZURE_FUNCTION_APP_URL string = functionApp.outputs.url

@description('Name of the vault.')
output AZURE_KEY_VAULT_NAME string = keyVault.outputs.name

@description('Name of the Face account.')
output AZURE_FACE_ACCOUNT_NAME string = faceAccess.outputs.name

@description('Address of Face, which the devices need too.')
output FACE_ENDPOINT string = faceAccess.outputs.endpoint
