// Who is told of an alert, and how loudly. docs/operations.md says which alert is for whom.

@description('What the names end with.')
param suffix string

@description('Tags.')
param tags object

@description('Addresses that get a mail for each alert.')
param emails string[]

@description('Addresses of whatever wakes somebody up; they get only what cannot wait until morning.')
param pageEmails string[]

var groups = [
  { name: 'mail', shortName: 'liveness', emails: emails }
  { name: 'page', shortName: 'livenesspage', emails: pageEmails }
]

resource teams 'Microsoft.Insights/actionGroups@2023-01-01' = [
  for group in groups: if (!empty(group.emails)) {
    name: 'ag-${group.name}-${suffix}'
    location: 'global'
    tags: tags
    properties: {
      groupShortName: group.shortName
      enabled: true
      emailReceivers: [
        for email in group.emails: {
          name: trim(email)
          emailAddress: trim(email)
          useCommonAlertSchema: true
        }
      ]
    }
  }
]

@description('Resource ids of the groups for what may wait.')
output mail string[] = empty(emails) ? [] : [teams[0].id]

@description('Resource ids of the groups for what may not.')
output page string[] = concat(empty(emails) ? [] : [teams[0].id], empty(pageEmails) ? [] : [teams[1].id])
