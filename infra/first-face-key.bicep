// Writes the Face key into a vault that has none. From then on scripts/rotate-face-key changes it, by face-key.bicep,
// and no deployment puts an older key back or moves its expiry.

@description('Resource id of the Face account.')
param faceAccountId string

@description('Name of the vault.')
param vaultName string

@description('Name of the secret.')
param secretName string

@description('When the key should have been rotated, in seconds since 1970.')
param expiresAt int = dateTimeToEpoch(dateTimeAdd(utcNow(), 'P90D'))

var facePath = split(faceAccountId, '/')

resource account 'Microsoft.CognitiveServices/accounts@2025-06-01' existing = {
  name: last(facePath)
  scope: resourceGroup(facePath[2], facePath[4])
}

resource vault 'Microsoft.KeyVault/vaults@2026-02-01' existing = {
  name: vaultName
}

@onlyIfNotExists()
resource secret 'Microsoft.KeyVault/vaults/secrets@2026-02-01' = {
  parent: vault
  name: secretName
  tags: { faceKey: 'key1', faceAccountId: account.id }
  properties: {
    value: account.listKeys().key1
    contentType: 'Azure AI Face key'
    attributes: { exp: expiresAt }
  }
}
