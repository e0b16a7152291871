// Writes one of the two Face keys into the vault, as a new version of the secret.
// The key goes from one service to the other and is seen by nobody. scripts/rotate-face-key deploys this file too.

@description('Name of the Face account.')
param faceAccountName string

@description('Name of the vault.')
param vaultName string

@description('Name of the secret.')
param secretName string

@description('Which of the two keys.')
@allowed(['key1', 'key2'])
param keyName string

resource account 'Microsoft.CognitiveServices/accounts@2025-06-01' existing = {
  name: faceAccountName
}

resource vault 'Microsoft.KeyVault/vaults@2026-02-01' existing = {
  name: vaultName
}

resource secret 'Microsoft.KeyVault/vaults/secrets@2026-02-01' = {
  parent: vault
  name: secretName
  // By this tag the rotation knows which key is in use.
  tags: { faceKey: keyName }
  properties: {
    value: keyName == 'key1' ? account.listKeys().key1 : account.listKeys().key2
    contentType: 'Azure AI Face key'
  }
}
