// Has the topic deliver to your server, once it lives: Azure asks it, while this is deployed, whether it wants that.
// scripts/events-webhook deploys this file, after it has let Event Grid in at Entra.

@description('Name of the topic, as main.bicep made it.')
param topicName string

@description('Address of the receiver, https. It may hold a secret.')
@secure()
param endpointUrl string

@description('Application id that stands for the receiver at Entra: the tokens that come with the events are for it.')
param audience string

@description('Region.')
param location string = resourceGroup().location

// As main.bicep has it, so that the account is found beside the others.
var uniqueStem = last(split(topicName, '-'))

var roles = {
  // The topic writes what nobody took, and reads nothing; there is no smaller role.
  'Storage Blob Data Contributor': 'ba92f5b4-2d11-453d-a403-e96b0029c9fe'
}

resource topic 'Microsoft.EventGrid/topics@2025-02-15' existing = {
  name: topicName
}

// The account of the app: where nobody else reaches that one, nobody but Event Grid reaches this one.
resource appAccount 'Microsoft.Storage/storageAccounts@2025-06-01' existing = {
  name: 'stliveness${uniqueStem}'
}

resource account 'Microsoft.Storage/storageAccounts@2025-06-01' = {
  name: 'stlivenessdead${uniqueStem}'
  location: location
  tags: { workload: 'face-liveness' }
  kind: 'StorageV2'
  sku: { name: 'Standard_LRS' }
  properties: {
    accessTier: 'Hot'
    allowBlobPublicAccess: false
    allowCrossTenantReplication: false
    allowSharedKeyAccess: false
    defaultToOAuthAuthentication: true
    minimumTlsVersion: 'TLS1_2'
    supportsHttpsTrafficOnly: true
    publicNetworkAccess: 'Enabled'
    networkAcls: {
      // Event Grid is one of these services, and comes from no network of ours:
      // https://learn.microsoft.com/azure/event-grid/managed-service-identity#private-endpoints
      bypass: 'AzureServices'
      defaultAction: appAccount.properties.networkAcls.defaultAction
    }
  }

  resource blobs 'blobServices' = {
    name: 'default'

    resource deadLetters 'containers' = {
      name: 'dead-letters'
      properties: { publicAccess: 'None' }
    }
  }

  // What nobody has fetched by then is of no use any more.
  resource lifecycle 'managementPolicies' = {
    name: 'default'
    properties: {
      policy: {
        rules: [
          {
            name: 'forget'
            type: 'Lifecycle'
            definition: {
              filters: { blobTypes: ['blockBlob'] }
              actions: { baseBlob: { delete: { daysAfterModificationGreaterThan: 30 } } }
            }
          }
        ]
      }
    }
  }
}

resource topicRoles 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for role in items(roles): {
    name: guid(account.id, topic.id, role.value)
    scope: account
    properties: {
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role.value)
      principalId: topic.identity.principalId
      principalType: 'ServicePrincipal'
    }
  }
]

resource webhook 'Microsoft.EventGrid/topics/eventSubscriptions@2025-02-15' = {
  parent: topic
  name: 'webhook'
  properties: {
    eventDeliverySchema: 'CloudEventSchemaV1_0'
    destination: {
      endpointType: 'WebHook'
      properties: {
        endpointUrl: endpointUrl
        azureActiveDirectoryTenantId: subscription().tenantId
        azureActiveDirectoryApplicationIdOrUri: audience
        maxEventsPerBatch: 1
        minimumTlsVersionAllowed: '1.2'
      }
    }
    retryPolicy: {
      // As long and as often as the service takes.
      eventTimeToLiveInMinutes: 1440
      maxDeliveryAttempts: 30
    }
    deadLetterWithResourceIdentity: {
      identity: { type: 'SystemAssigned' }
      deadLetterDestination: {
        endpointType: 'StorageBlob'
        properties: {
          resourceId: account.id
          blobContainerName: account::blobs::deadLetters.name
        }
      }
    }
  }
  dependsOn: [topicRoles]
}
