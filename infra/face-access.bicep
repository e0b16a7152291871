// What the app needs of a Face account, whether infra/ made it or it was there: its address, and the right to use it.
// Deployed into the account's own resource group.

@description('Name of the account.')
param accountName string

@description('How the app proves itself to Face: by a key from the vault, or by its own identity.')
@allowed(['key', 'entra'])
param auth string

@description('Whether the app reads the pictures of checks, too.')
param readsImages bool

@description('Principal id of the app.')
param appPrincipalId string

var sessionRoles = {
  // shared/face/client.py creates, reads and deletes sessions, when it does so without a key.
  'Cognitive Services Face Recognizer': '9894cab4-e18a-44aa-828b-cb588cd6f2d7'
}

var imageRoles = {
  // Nothing says that the role above lets anybody read the picture of a session; this one does.
  'Cognitive Services User': 'a97b65f3-24c7-4388-baec-2e87135dc908'
}

var roles = union(sessionRoles, readsImages ? imageRoles : {})

resource account 'Microsoft.CognitiveServices/accounts@2025-06-01' existing = {
  name: accountName
}

resource appRoles 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for role in items(roles): if (auth == 'entra') {
    name: guid(account.id, appPrincipalId, role.value)
    scope: account
    properties: {
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role.value)
      principalId: appPrincipalId
      principalType: 'ServicePrincipal'
    }
  }
]

@description('Name of the account.')
output name string = account.name

@description('Resource id of the account.')
output id string = account.id

@description('Address, for the app and for the devices.')
output endpoint string = account.properties.endpoint
