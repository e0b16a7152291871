// Writes one of the two Face keys into the vault, as a new version of the secret that lasts for another 90 days.
// The key goes from one service to the other and is seen by nobody. scripts/rotate-face-key deploys this file.

@description('Name of the Face account.')
param faceAccountName string

@description('Subscription of the Face account.')
param faceSubscriptionId string = subscription().subscriptionId

@description('Resource group of the Face account.')
param faceResourceGroup string = resourceGroup().name

@description('Name of the vault.')
param vaultName string

@description('Name of the secret.')
param secretName string

@description('Which of the two keys.')
@allowed(['key1', 'key2'])
param keyName string

@description('When the key should have been rotated again, in seconds since 1970.')
param expiresAt int = dateTimeToEpoch(dateTimeAdd(utcNow(), 'P90D'))

resource account 'Microsoft.CognitiveServices/accounts@2025-06-01' existing = {
  name: faceAccountName
  scope: resourceGroup(faceSubscriptionId, faceResourceGroup)
}

resource vault 'Microsoft.KeyVault/vaults@2026-02-01' existing = {
  name: vaultName
}

resource secret 'Microsoft.KeyVault/vaults/secrets@2026-02-01' = {
  parent: vault
  name: secretName
  // By the first tag the rotation knows which key is in use, by the second scripts/preflight whose it is.
  tags: { faceKey: keyName, faceAccountId: account.id }
  properties: {
    value: keyName == 'key1' ? account.listKeys().key1 : account.listKeys().key2
    contentType: 'Azure AI Face key'
    // The vault serves it after that day too; alerts.bicep has the vault say so a month before.
    attributes: { exp: expiresAt }
  }
}
