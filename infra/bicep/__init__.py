"""The templates and the Bicep compiler: finds it, checks the templates with it, writes what each scenario deploys.

A scenario is a .bicepparam file in infra/scenarios. Its snapshot is the compiler's list of the resources that a
deployment would create, with all names computed. The policy tests in tests/infra read the snapshots, so they need no
compiler; a digest in each snapshot shows that it belongs to the current templates.
"""
