using 'main.bicep'

// The one thing that has no default. The rest is in docs/templates.md.
param acsName = 'contoso-acs'
