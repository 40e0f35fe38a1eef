using '../../main.bicep'

param acsName = 'acs1'
param deleteAfterDays = 30
param immutabilityDays = 30
