"""The OpenAPI document of the app: made from its contract and its routes by `make openapi`.

document     the document, joined from all of it
operations   what each function of the page of triggers takes, answers and refuses
fields       what each field means, with an example, and what its type cannot say
routes       which functions have a route, read from the page
schemas      the structs of the contract as JSON Schema
"""
