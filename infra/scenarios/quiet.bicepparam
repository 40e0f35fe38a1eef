using '../main.bicep'

param acsName = 'acs1'
param accessLogs = false
param deleteSource = false
param retentionHours = 48
param sampleLogicApp = true
