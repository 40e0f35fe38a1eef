using '../../main.bicep'

param acsName = 'acs1'
param packageUrl = 'http://example.com/callvault.zip'
