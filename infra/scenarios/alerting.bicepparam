using '../main.bicep'

param acsName = 'acs1'
param alertEmails = ['desk@example.com']
param alertActionGroupIds = [
  '/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/ops/providers/Microsoft.Insights/actionGroups/pager'
]
