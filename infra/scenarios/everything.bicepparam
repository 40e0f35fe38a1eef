using '../main.bicep'

param acsName = 'acs1'
param entraClientId = '00000000-0000-0000-0000-000000000001'
param entraAllowAnyCaller = true
param sampleLogicApp = true
param sampleResultUrl = 'https://desk.example/records?key=abc'
param participantsSecret = 'sixteen letters.'
param sendMetrics = true
param announce = true
param deleteAfterDays = 365
param extraSettings = {
  ARCHIVE_DELETE_AFTER_DAYS: '30'
}
