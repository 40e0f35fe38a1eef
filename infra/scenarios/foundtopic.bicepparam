using '../main.bicep'
param acsName = 'acs1'
param systemTopicName = 't1'
