using '../../main.bicep'

param acsName = 'acs1'
param privateNetworking = true
param appSubnetId = '/subscriptions/1/resourceGroups/net/providers/Microsoft.Network/virtualNetworks/hub/subnets/app'
