"""The first schema."""

import sqlalchemy as sa
from alembic import op

import authn.db.metadata

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "audit_events",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("occurred_at", authn.db.metadata.UtcDateTime(timezone=True), nullable=False),
        sa.Column("event", sa.String(length=50), nullable=False),
        sa.Column("reference", sa.String(length=32), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("device_id", sa.Uuid(), nullable=True),
        sa.Column("client_id", sa.String(length=200), nullable=True),
        sa.Column("details", sa.Text(), nullable=False),
        sa.Column("seal", sa.String(length=80), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_events")),
    )
    op.create_index(op.f("ix_audit_events_person_id"), "audit_events", ["person_id"], unique=False)
    op.create_table(
        "burnt_challenges",
        sa.Column("challenge_hash", sa.String(length=64), nullable=False),
        sa.Column("expires_at", authn.db.metadata.UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("challenge_hash", name=op.f("pk_burnt_challenges")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "clients",
        sa.Column("client_id", sa.String(length=100), nullable=False),
        sa.Column("client_name", sa.String(length=200), nullable=False),
        sa.Column("client_secret_hash", sa.String(length=64), nullable=True),
        sa.Column("token_endpoint_auth_method", sa.String(length=30), nullable=False),
        sa.Column("application_type", sa.String(length=10), nullable=False),
        sa.Column("redirect_uris", sa.JSON(), nullable=False),
        sa.Column("post_logout_redirect_uris", sa.JSON(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("id_token_signed_response_alg", sa.String(length=10), nullable=False),
        sa.Column("sector_identifier", sa.String(length=255), nullable=False),
        sa.Column("logo_uri", sa.Text(), nullable=True),
        sa.Column("require_pkce", sa.Boolean(), nullable=False),
        sa.Column("may_read_ssin", sa.Boolean(), nullable=False),
        sa.Column("first_party", sa.Boolean(), nullable=False),
        sa.Column("created_at", authn.db.metadata.UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("client_id", name=op.f("pk_clients")),
    )
    op.create_table(
        "persons",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_handle", sa.LargeBinary(length=32), nullable=False),
        sa.Column("given_name", sa.String(length=200), nullable=False),
        sa.Column("family_name", sa.String(length=200), nullable=False),
        sa.Column("birthdate", sa.String(length=10), nullable=True),
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column("deceased", sa.Boolean(), nullable=False),
        sa.Column("created_at", authn.db.metadata.UtcDateTime(timezone=True), nullable=False),
        sa.Column("checked_at", authn.db.metadata.UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_persons")),
        sa.UniqueConstraint("user_handle", name=op.f("uq_persons_user_handle")),
    )
    op.create_table(
        "register_citizens",
        sa.Column("ssin_hash", sa.String(length=80), nullable=False),
        sa.Column("ssin_encrypted", sa.LargeBinary(), nullable=False),
        sa.Column("given_name", sa.String(length=200), nullable=False),
        sa.Column("family_name", sa.String(length=200), nullable=False),
        sa.Column("birthdate", sa.String(length=10), nullable=True),
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column("deceased", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("ssin_hash", name=op.f("pk_register_citizens")),
    )
    op.create_table(
        "register_replacements",
        sa.Column("ssin_hash", sa.String(length=80), nullable=False),
        sa.Column("ssin_encrypted", sa.LargeBinary(), nullable=False),
        sa.Column("replaced_by_hash", sa.String(length=80), nullable=False),
        sa.PrimaryKeyConstraint("ssin_hash", name=op.f("pk_register_replacements")),
    )
    op.create_index(
        op.f("ix_register_replacements_replaced_by_hash"),
        "register_replacements",
        ["replaced_by_hash"],
        unique=False,
    )
    op.create_table(
        "register_staged_rows",
        sa.Column("import_id", sa.Uuid(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("staged_at", authn.db.metadata.UtcDateTime(timezone=True), nullable=False),
        sa.Column("ssin_hash", sa.String(length=80), nullable=False),
        sa.Column("ssin_encrypted", sa.LargeBinary(), nullable=False),
        sa.Column("given_name", sa.String(length=200), nullable=False),
        sa.Column("family_name", sa.String(length=200), nullable=False),
        sa.Column("birthdate", sa.String(length=10), nullable=True),
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column("deceased", sa.Boolean(), nullable=False),
        sa.Column("replaces_hash", sa.String(length=80), nullable=True),
        sa.Column("replaces_encrypted", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("import_id", "line", name=op.f("pk_register_staged_rows")),
    )
    op.create_table(
        "signing_keys",
        sa.Column("kid", sa.String(length=64), nullable=False),
        sa.Column("alg", sa.String(length=10), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("private_jwk_encrypted", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", authn.db.metadata.UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("kid", name=op.f("pk_signing_keys")),
    )
    op.create_index(
        "uq_signing_keys_active",
        "signing_keys",
        ["alg"],
        unique=True,
        sqlite_where=sa.text("state = 'active'"),
        postgresql_where=sa.text("state = 'active'"),
    )
    op.create_table(
        "activation_codes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("code_hash", sa.String(length=64), nullable=False),
        sa.Column("issued_at", authn.db.metadata.UtcDateTime(timezone=True), nullable=False),
        sa.Column("expires_at", authn.db.metadata.UtcDateTime(timezone=True), nullable=False),
        sa.Column("wrong_tries", sa.Integer(), nullable=False),
        sa.Column("used_at", authn.db.metadata.UtcDateTime(timezone=True), nullable=True),
        sa.Column("withdrawn_at", authn.db.metadata.UtcDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["person_id"], ["persons.id"], name=op.f("fk_activation_codes_person_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_activation_codes")),
        sa.UniqueConstraint("code_hash", name=op.f("uq_activation_codes_code_hash")),
    )
    op.create_index(
        op.f("ix_activation_codes_person_id"), "activation_codes", ["person_id"], unique=False
    )
    op.create_table(
        "consents",
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("client_id", sa.String(length=100), nullable=False),
        sa.Column("scope", sa.String(length=100), nullable=False),
        sa.Column("given_at", authn.db.metadata.UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["client_id"], ["clients.client_id"], name=op.f("fk_consents_client_id")
        ),
        sa.ForeignKeyConstraint(["person_id"], ["persons.id"], name=op.f("fk_consents_person_id")),
        sa.PrimaryKeyConstraint("person_id", "client_id", "scope", name=op.f("pk_consents")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "devices",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("status", sa.String(length=9), nullable=False),
        sa.Column("credential_id", sa.LargeBinary(length=1023), nullable=True),
        sa.Column("public_key", sa.LargeBinary(), nullable=True),
        sa.Column("user_handle", sa.LargeBinary(length=64), nullable=False),
        sa.Column("aaguid", sa.Uuid(), nullable=False),
        sa.Column("algorithm", sa.Integer(), nullable=False),
        sa.Column("transports", sa.String(length=60), nullable=False),
        sa.Column("rp_id", sa.String(length=253), nullable=False),
        sa.Column("origin", sa.String(length=300), nullable=False),
        sa.Column("sign_count", sa.BigInteger(), nullable=False),
        sa.Column("backup_eligible", sa.Boolean(), nullable=False),
        sa.Column("backed_up", sa.Boolean(), nullable=False),
        sa.Column("identity_level", sa.String(length=11), nullable=False),
        sa.Column("added_how", sa.String(length=10), nullable=False),
        sa.Column("added_at", authn.db.metadata.UtcDateTime(timezone=True), nullable=False),
        sa.Column("last_used_at", authn.db.metadata.UtcDateTime(timezone=True), nullable=False),
        sa.Column("removed_at", authn.db.metadata.UtcDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["persons.id"], name=op.f("fk_devices_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_devices")),
        sa.UniqueConstraint("credential_id", name=op.f("uq_devices_credential_id")),
    )
    op.create_index(op.f("ix_devices_person_id"), "devices", ["person_id"], unique=False)
    op.create_table(
        "person_ssins",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("ssin_hash", sa.String(length=80), nullable=False),
        sa.Column("ssin_encrypted", sa.LargeBinary(), nullable=False),
        sa.Column("valid_from", authn.db.metadata.UtcDateTime(timezone=True), nullable=False),
        sa.Column("valid_to", authn.db.metadata.UtcDateTime(timezone=True), nullable=True),
        sa.Column("replaced_by", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["person_id"], ["persons.id"], name=op.f("fk_person_ssins_person_id")
        ),
        sa.ForeignKeyConstraint(
            ["replaced_by"], ["person_ssins.id"], name=op.f("fk_person_ssins_replaced_by")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_person_ssins")),
        sa.UniqueConstraint("ssin_hash", name=op.f("uq_person_ssins_ssin_hash")),
    )
    op.create_index(op.f("ix_person_ssins_person_id"), "person_ssins", ["person_id"], unique=False)
    op.create_table(
        "subjects",
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("sector", sa.String(length=255), nullable=False),
        sa.Column("sub", sa.String(length=64), nullable=False),
        sa.Column("created_at", authn.db.metadata.UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["persons.id"], name=op.f("fk_subjects_person_id")),
        sa.PrimaryKeyConstraint("person_id", "sector", name=op.f("pk_subjects")),
        sa.UniqueConstraint("sub", name=op.f("uq_subjects_sub")),
    )
    op.create_table(
        "installations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("device_id", sa.Uuid(), nullable=False),
        sa.Column("cookie_hash", sa.String(length=64), nullable=False),
        sa.Column("browser", sa.String(length=30), nullable=False),
        sa.Column("system", sa.String(length=30), nullable=False),
        sa.Column("first_seen", authn.db.metadata.UtcDateTime(timezone=True), nullable=False),
        sa.Column("last_seen", authn.db.metadata.UtcDateTime(timezone=True), nullable=False),
        sa.Column("ended_at", authn.db.metadata.UtcDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["device_id"], ["devices.id"], name=op.f("fk_installations_device_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_installations")),
        sa.UniqueConstraint(
            "device_id", "cookie_hash", name=op.f("uq_installations_device_id_cookie_hash")
        ),
    )
    op.create_table(
        "sessions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("installation_id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("level", sa.String(length=9), nullable=False),
        sa.Column("auth_time", authn.db.metadata.UtcDateTime(timezone=True), nullable=False),
        sa.Column("last_seen_at", authn.db.metadata.UtcDateTime(timezone=True), nullable=False),
        sa.Column("ended_at", authn.db.metadata.UtcDateTime(timezone=True), nullable=True),
        sa.Column("answered_request", sa.String(length=64), nullable=True),
        sa.Column("selected_request", sa.String(length=64), nullable=True),
        sa.ForeignKeyConstraint(
            ["installation_id"], ["installations.id"], name=op.f("fk_sessions_installation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sessions")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_sessions_token_hash")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        op.f("ix_sessions_installation_id"), "sessions", ["installation_id"], unique=False
    )
    op.create_table(
        "grants",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("request_id", sa.String(length=64), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("device_id", sa.Uuid(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("client_id", sa.String(length=100), nullable=False),
        sa.Column("subject", sa.String(length=64), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("level", sa.String(length=9), nullable=False),
        sa.Column("auth_time", authn.db.metadata.UtcDateTime(timezone=True), nullable=False),
        sa.Column("granted_at", authn.db.metadata.UtcDateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", authn.db.metadata.UtcDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["client_id"], ["clients.client_id"], name=op.f("fk_grants_client_id")
        ),
        sa.ForeignKeyConstraint(["device_id"], ["devices.id"], name=op.f("fk_grants_device_id")),
        sa.ForeignKeyConstraint(["person_id"], ["persons.id"], name=op.f("fk_grants_person_id")),
        sa.ForeignKeyConstraint(["session_id"], ["sessions.id"], name=op.f("fk_grants_session_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_grants")),
        sa.UniqueConstraint("request_id", name=op.f("uq_grants_request_id")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_grants_person_id"), "grants", ["person_id"], unique=False)
    op.create_table(
        "invitations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("secret_hash", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("expires_at", authn.db.metadata.UtcDateTime(timezone=True), nullable=False),
        sa.Column("claimant_hash", sa.String(length=64), nullable=True),
        sa.Column("claimed_browser", sa.String(length=30), nullable=True),
        sa.Column("claimed_system", sa.String(length=30), nullable=True),
        sa.Column("number", sa.String(length=5), nullable=True),
        sa.Column("approved_by", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["approved_by"], ["devices.id"], name=op.f("fk_invitations_approved_by")
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["persons.id"], name=op.f("fk_invitations_person_id")
        ),
        sa.ForeignKeyConstraint(
            ["session_id"], ["sessions.id"], name=op.f("fk_invitations_session_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invitations")),
        sa.UniqueConstraint("secret_hash", name=op.f("uq_invitations_secret_hash")),
    )
    op.create_index(op.f("ix_invitations_expires_at"), "invitations", ["expires_at"], unique=False)
    op.create_index(op.f("ix_invitations_session_id"), "invitations", ["session_id"], unique=False)
    op.create_table(
        "access_tokens",
        sa.Column("jti", sa.String(length=43), nullable=False),
        sa.Column("grant_id", sa.Uuid(), nullable=False),
        sa.Column("expires_at", authn.db.metadata.UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["grant_id"], ["grants.id"], name=op.f("fk_access_tokens_grant_id")
        ),
        sa.PrimaryKeyConstraint("jti", name=op.f("pk_access_tokens")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "authorization_codes",
        sa.Column("code_hash", sa.String(length=64), nullable=False),
        sa.Column("grant_id", sa.Uuid(), nullable=False),
        sa.Column("client_id", sa.String(length=100), nullable=False),
        sa.Column("redirect_uri", sa.Text(), nullable=False),
        sa.Column("nonce", sa.Text(), nullable=False),
        sa.Column("code_challenge", sa.String(length=43), nullable=False),
        sa.Column("expires_at", authn.db.metadata.UtcDateTime(timezone=True), nullable=False),
        sa.Column("used_at", authn.db.metadata.UtcDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["grant_id"], ["grants.id"], name=op.f("fk_authorization_codes_grant_id")
        ),
        sa.PrimaryKeyConstraint("code_hash", name=op.f("pk_authorization_codes")),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    op.drop_table("authorization_codes")
    op.drop_table("access_tokens")
    op.drop_index(op.f("ix_invitations_session_id"), table_name="invitations")
    op.drop_index(op.f("ix_invitations_expires_at"), table_name="invitations")
    op.drop_table("invitations")
    op.drop_index(op.f("ix_grants_person_id"), table_name="grants")
    op.drop_table("grants")
    op.drop_index(op.f("ix_sessions_installation_id"), table_name="sessions")
    op.drop_table("sessions")
    op.drop_table("installations")
    op.drop_table("subjects")
    op.drop_index(op.f("ix_person_ssins_person_id"), table_name="person_ssins")
    op.drop_table("person_ssins")
    op.drop_index(op.f("ix_devices_person_id"), table_name="devices")
    op.drop_table("devices")
    op.drop_table("consents")
    op.drop_index(op.f("ix_activation_codes_person_id"), table_name="activation_codes")
    op.drop_table("activation_codes")
    op.drop_index(
        "uq_signing_keys_active",
        table_name="signing_keys",
        sqlite_where=sa.text("state = 'active'"),
        postgresql_where=sa.text("state = 'active'"),
    )
    op.drop_table("signing_keys")
    op.drop_table("register_staged_rows")
    op.drop_index(
        op.f("ix_register_replacements_replaced_by_hash"), table_name="register_replacements"
    )
    op.drop_table("register_replacements")
    op.drop_table("register_citizens")
    op.drop_table("persons")
    op.drop_table("clients")
    op.drop_table("burnt_challenges")
    op.drop_index(op.f("ix_audit_events_person_id"), table_name="audit_events")
    op.drop_table("audit_events")
