using '../main.bicep'
param acsName = 'acs1'
param instanceMemoryMB = 512
param alwaysReadyHttp = 2
param alwaysReadyArchiving = 2
param zoneRedundant = true
param rollingUpdate = true
