"""The description of the HTTP API: one table of operations becomes openapi.json (OpenAPI 3.1) and swagger.json (2.0).

`make openapi` writes both files into shared/http, and packaging does the same. The app only serves them
(shared.http.description), so it builds no schema and doesn't contain this package. Schemas come from the models that
validate requests and write responses, problems from the error tree. To describe a new route, add an Operation to the
module of its kind in `operations` and run `make openapi`.
"""
