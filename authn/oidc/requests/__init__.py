"""What an authorization request asks: read, checked parameter by parameter, or refused.

/authorize, /par and /device_authorization use these modules. A request whose client and
`redirect_uri` are known is refused with an `AuthorizationError`, which goes to the client. No
person is asked anything, and nothing is written. Begin with `parameters`: the list of all
parameters and the function that checks each of them.
"""
