# Two stages: the first builds a virtual environment from pinned and hashed packages, the second is what runs.
# `deploy/pin-base` adds the digest of the base image to both, where a container registry can be reached.
FROM python:3.13.16-slim-trixie AS builder

ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1
WORKDIR /src

COPY constraints-runtime.txt constraints-build.txt ./
RUN python -m venv --without-pip /opt/cmbot \
    && python -m pip --python /opt/cmbot/bin/python install --require-hashes -r constraints-runtime.txt \
    && python -m pip install --require-hashes -r constraints-build.txt

COPY pyproject.toml README.md LICENSE ./
COPY bot bot
RUN python -m pip wheel --no-deps --no-build-isolation --wheel-dir /dist . \
    && python -m pip --python /opt/cmbot/bin/python install --no-deps --no-index /dist/*.whl

FROM python:3.13.16-slim-trixie

RUN useradd --system --uid 10001 --user-group --no-create-home --shell /usr/sbin/nologin cmbot \
    && install -d -o cmbot -g cmbot /var/lib/cmbot
COPY --from=builder /opt/cmbot /opt/cmbot

# The network of a container is apart, so all of its addresses are listened on, unless the settings have http.host.
ENV PATH=/opt/cmbot/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONSAFEPATH=1 \
    CMBOT_CONFIG=/etc/cmbot/config.yaml \
    CMBOT_HTTP_HOST=0.0.0.0
# The SQLite file of the default settings lies here.
WORKDIR /var/lib/cmbot
VOLUME /var/lib/cmbot
EXPOSE 8080
USER 10001:10001

# docs/running.md: what to give at a build.
ARG REVISION=unknown
ARG SOURCE
LABEL org.opencontainers.image.title="cmbot" \
      org.opencontainers.image.description="ChatOps for CubeFS BlobStore's Clustermgr: status, guarded changes and alerts in Slack." \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.revision="$REVISION" \
      org.opencontainers.image.source="$SOURCE"

HEALTHCHECK --interval=30s --timeout=10s --start-period=30s --retries=3 \
    CMD ["python", "-m", "bot.cli.healthcheck"]
# The first process of the container: it handles SIGTERM from its first instruction on, and starts no other process.
ENTRYPOINT ["cmbot"]
CMD ["run"]
