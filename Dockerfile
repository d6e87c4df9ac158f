# The service in a container: locked dependencies, the source tree, an unprivileged user.

FROM python:3.13.12-slim-trixie AS dependencies
COPY requirements.lock /
RUN python -m venv /opt/venv \
 && /opt/venv/bin/python -m pip install --no-cache-dir --require-hashes --requirement /requirements.lock

FROM python:3.13.12-slim-trixie
# This user must be able to read the files of the secrets (docs/operating.md).
RUN useradd --system --uid 10001 --user-group --no-create-home authn \
 && install --directory --owner authn --group authn --mode 0700 /var/lib/authn \
    /var/lib/authn-audit/heads /var/lib/authn-audit/archive
COPY --from=dependencies /opt/venv /opt/venv
WORKDIR /opt/authn
COPY LICENSE ./
COPY templates ./templates
COPY static ./static
COPY authn ./authn
RUN /opt/venv/bin/python -m compileall -q authn
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    AUTHN_HOST=0.0.0.0 \
    AUTHN_DATA_DIRECTORY=/var/lib/authn
USER authn
EXPOSE 8000
ENTRYPOINT ["python", "-m", "authn"]
CMD ["serve"]
