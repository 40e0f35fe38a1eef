using '../main.bicep'
param acsName = 'acs1'
param announce = true
param sendMetrics = true
param alertEmails = ['a@example.com']
