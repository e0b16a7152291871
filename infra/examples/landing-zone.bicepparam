// An example for a company that hands out networks and gateways: take what you need into a parameter file of your own.
// It also shows, by its snapshot, what becomes of parameters that the other two files leave alone.
using '../main.bicep'

param environmentName = 'landing-zone'

// However they are written, they arrive as browsers send them: https://app.example.com.
param allowedOrigins = ['https://App.Example.com/', ' https://admin.example.com']

// Front Door calls, and an agent of our own deploys.
param allowedCallers = ['AzureFrontDoor.Backend', '203.0.113.0/24']
param allowedDeployers = ['198.51.100.7/32']
