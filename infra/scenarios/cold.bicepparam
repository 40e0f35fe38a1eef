using '../main.bicep'

param acsName = 'acs1'
param coolAfterDays = 30
param coldAfterDays = 90
param deleteAfterDays = 400
param immutabilityDays = 30
param immutabilityLocked = true
param pageOrigins = ['https://recordings.example']
param hostStorageSku = 'Standard_LRS'
