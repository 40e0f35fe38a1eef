using '../../main.bicep'

param acsName = 'acs1'
param immutabilityLocked = true
