using '../../main.bicep'

param acsName = 'acs1'
param extraSettings = {
  BLOCK_SIZE_MIB: '4'
  Website_Auth_Enabled: 'true'
}
