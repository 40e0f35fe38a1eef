using 'main.bicep'

// The one thing that has no default. The rest is in docs/deploy.md.
param acsName = 'contoso-acs'
