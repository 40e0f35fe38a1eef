using '../main.bicep'

param acsName = 'acs1'
param instanceMemoryMB = 4096
