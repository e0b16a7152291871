// An example for a company that hands out networks and gateways: take what you need into a parameter file of your own.
// It also shows, by its snapshot, what becomes of parameters that the other two files leave alone.
using '../main.bicep'

param environmentName = 'landing-zone'

// A Face account that was approved and handed out, used without its keys; it must have a name of its own in its address.
param faceAccountId = '/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg-shared/providers/Microsoft.CognitiveServices/accounts/face-shared'
param faceAuth = 'entra'

// The company's workspace takes the logs.
param workspaceId = '/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg-shared/providers/Microsoft.OperationalInsights/workspaces/log-shared'

// Pictures are kept, where a check asks for it, with its record for a month.
param choices = { SESSION_IMAGE: 'allow', RETENTION_DAYS: '30' }

// A range of the company's own, to be peered with the rest.
param privateNetworking = true
param networkAddressPrefix = '10.80.7.0/24'

param alwaysReadyHttpInstances = 1
param alwaysReadyQueueInstances = 1

// However they are written, they arrive as browsers send them: https://app.example.com.
param allowedOrigins = ['https://App.Example.com/', ' https://admin.example.com']

// Front Door calls, and an agent of our own deploys.
param allowedCallers = ['AzureFrontDoor.Backend', '203.0.113.0/24']
param allowedDeployers = ['198.51.100.7/32']
param availabilityTest = true

// Your server is told how sessions end.
param events = true

// A mail for everything, and a call at night for what cannot wait.
param alertEmails = ['team@example.com']
param pageEmails = ['pager@example.com']
