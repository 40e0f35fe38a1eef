using '../../main.bicep'

param acsName = 'acs1'
param coolAfterDays = 365
param deleteAfterDays = 365
