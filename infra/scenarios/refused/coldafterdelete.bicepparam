using '../../main.bicep'

param acsName = 'acs1'
param coldAfterDays = 365
param deleteAfterDays = 365
