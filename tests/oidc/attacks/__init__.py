"""The catalogue of attacks on the OpenID Provider, by the classes by which others were broken.

Each module says what a naive provider does, and fails against it. What one specification's module
proves already is not proven again here:

    redirect URIs           test_redirects; clients/test_redirect_uris for what may be registered
    PKCE downgrade          test_downgrades, test_rfc7636_pkce
    code replay             test_authorization_code, test_swapped_tokens, the fuzz
    refresh replay          test_rfc6749_refresh_token, grants/test_refresh_tokens, the fuzz
    mix-up                  test_core_authorization (iss in every answer), test_jarm
    algorithms and keys     test_foreign_signatures; test_rfc8725_our_tokens; test_rfc9449_dpop
    kinds of tokens         test_swapped_tokens
    assertion replay        test_rfc7523_private_key_jwt, test_rfc7523_jwt_bearer
    SSRF                    test_inside; web/test_documents
    widening                test_widening; test_rfc8707_resource, test_rfc8693_token_exchange
    consent bypass          test_waiting_requests; login/test_consent
    twice at once           each single use in the module of its specification, with `at_once`
    ends and races          test_races; test_what_ends_what
    refusals that half-do   test_half_done
    pollution, size         test_polluted; web/test_body, test_garbage
    what can't be stored    test_unstorable
    floods                  test_floods
    leaks, oracles          test_leaks; test_secrets_at_rest
    pages, framing, CORS    test_pages; test_form_post, test_cors, test_frontchannel_logout
    logout                  test_rp_initiated_logout, test_backchannel_logout
    device codes            test_rfc8628_device_flow
    CSRF and all our pages  tests/test_attacks
"""
