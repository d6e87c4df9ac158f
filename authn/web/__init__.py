"""HTTP for all rooms: routes, requests, pages, cookies, languages, outgoing requests, logs.

This room knows no domain. Begin with `routing`, which reads a request, opens its transaction and
answers refusals; `request` is what an endpoint gets, `failures` how each refusal is answered.
"""
