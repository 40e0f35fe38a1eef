using '../../main.bicep'

param acsName = 'acs1'
param announce = true
param privateNetworking = true
param teamsCards = true
param teamsUrl = 'https://flow.example/invoke'
