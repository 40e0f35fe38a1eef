using '../../main.bicep'

param acsName = 'acs1'
param zoneRedundant = true
param alwaysReadyHttp = 2
param alwaysReadyArchiving = 1
