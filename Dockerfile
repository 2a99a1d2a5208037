# Two stages: the first builds a virtual environment from pinned and hashed packages, the second is what runs.
FROM python:3.13.7-slim-bookworm AS builder

ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1
WORKDIR /src

COPY constraints-runtime.txt constraints-build.txt ./
RUN python -m venv /opt/cmbot \
    && /opt/cmbot/bin/pip install --require-hashes -r constraints-runtime.txt \
    && python -m pip install --require-hashes -r constraints-build.txt

COPY pyproject.toml README.md LICENSE ./
COPY bot bot
RUN python -m pip wheel --no-deps --no-build-isolation --wheel-dir /dist . \
    && /opt/cmbot/bin/pip install --no-deps --no-index /dist/*.whl

FROM python:3.13.7-slim-bookworm

RUN useradd --system --uid 10001 --user-group --no-create-home --shell /usr/sbin/nologin cmbot \
    && install -d -o cmbot -g cmbot /var/lib/cmbot
COPY --from=builder /opt/cmbot /opt/cmbot

ENV PATH=/opt/cmbot/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONSAFEPATH=1 \
    CMBOT_CONFIG=/etc/cmbot/config.yaml
# The SQLite file of the default settings lies here.
WORKDIR /var/lib/cmbot
VOLUME /var/lib/cmbot
EXPOSE 8080
USER 10001:10001

HEALTHCHECK --interval=30s --timeout=10s --start-period=30s --retries=3 \
    CMD ["python", "-m", "bot.cli.healthcheck"]
ENTRYPOINT ["cmbot"]
CMD ["run"]
