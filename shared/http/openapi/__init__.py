"""The HTTP interface described for programs: one table of operations becomes OpenAPI 3.1 and Swagger 2.0.

Schemas come from the models that validate requests and make answers, problems from the error tree. A test fails when
function_app has a route that the table lacks, or the other way round. To describe a new route, add an Operation to the
module of its kind: recordings, queries, recovery or service.
"""
