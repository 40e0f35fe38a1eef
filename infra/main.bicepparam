using 'main.bicep'

// The only required parameter. docs/templates.md lists the others.
param acsName = 'contoso-acs'
