"""The demonstration of `make run`: fictitious people and servers to try the service with.

For development only: a relying application (`application`, `oauth_client`), a resource server
(`resource`), an eID test card that plays the identity provider (`identity_card`), and authentic
sources that answer from files (`authentic_sources`). The application is an ordinary OpenID Connect
client on Authlib, which knows no more of the service than the issuer's address, its `client_id` and
its secret. Begin with `town`, which registers all of them.
"""
