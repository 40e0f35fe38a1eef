using '../main.bicep'

param acsName = 'acs1'
param entraClientId = '00000000-0000-0000-0000-000000000001'
param entraAllowAnyCaller = true
param extraSettings = {
  ARCHIVE_DELETE_AFTER_DAYS: '30'
  AzureWebJobsDisableHomepage: 'false'
  BLOCK_SIZE_MIB: '4'
  FUNCTIONS_REQUEST_BODY_SIZE_LIMIT: '104857600'
  OTEL_TRACES_SAMPLER_ARG: '0.1'
  RETENTION_HOURS: '1'
  SIGN_IN_REPLACES_KEY: 'false'
}
