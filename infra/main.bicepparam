using 'main.bicep'

// The only required parameter, from the environment: no tracked file names your resource. docs/templates.md lists
// the others.
param acsName = readEnvironmentVariable('ACS_NAME')
