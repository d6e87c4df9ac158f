"""What `make run` shows: fictitious people and a relying application. For development only.

The application is an ordinary OpenID Connect client on Authlib: it knows nothing of this package
but the issuer's address, its `client_id` and its secret.
"""
