using '../main.bicep'
param acsName = 'acs1'
param immutabilityDays = 30
param coolAfterDays = 30
param archiveAfterDays = 90
param deleteAfterDays = 400
param archiveStorageSku = 'Standard_GRS'
